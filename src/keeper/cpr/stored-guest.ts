/** Mode `reboot`: the guest is in persistent storage, and the keeper may end. */
import { CprError } from '../../errors.ts';
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { CprLoadOptions, CprLoadReport, CprSaveReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { MachineStore } from '../../store/types.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { guestBlocks } from '../checkpoint/memory-layout.ts';
import { type CutStore, type RestoredCut, restoreCut } from '../checkpoint/restore-cut.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { discardReady, type ReadyRuntime } from '../runtimes/next-runtime.ts';
import { refuseIfBlocked } from './blockers.ts';
import { openBounded } from './bounded-store.ts';
import type { CprMachine } from './cpr-machine.ts';
import { cutSource, readKeeperState } from './cut-source.ts';
import { xxh64 } from './digest.ts';
import { requireSameBlocks, requireSameConfig } from './match.ts';
import { composeVmstate, type DecodedVmstate, decomposeVmstate, sectionsOf } from './sections.ts';
import { Steps } from './steps.ts';
import { detailsOf } from './stored-details.ts';
import { readSource, storeOf, writeTarget } from './targets.ts';

/**
 * Puts all of the guest into storage and a vmstate that names it to `target`. The guest is then
 * frozen, and to be ended.
 * @throws CprError after the guest went on as before
 */
export async function saveToStorage(
  machine: CprMachine,
  target: CprTarget,
): Promise<CprSaveReport> {
  const { execution, next, backing, openStore } = machine;
  const steps = new Steps('cprSave', machine.around);
  let before: FrozenExecution | undefined;
  try {
    await steps.wait('blockers', () => refuseIfBlocked('reboot', machine));
    const { h64Raw: digest } = await xxh64();
    const details = detailsOf(backing.config, execution.source);
    const { result: store, tookMs: prepareMs } = await steps.wait('prepare', () =>
      openBounded(machine),
    );
    await steps.wait('quiesce', () =>
      next.bounded('stop', execution.source, () => execution.instance.quiesce()),
    );
    const frozen = steps.take('stop', () => {
      before = execution.freeze();
      return before;
    });
    const beganMs = performance.now();
    const own = sectionsOf(machine, 'reboot', frozen);
    const device = steps.take('save', () => execution.instance.save());
    const saveMs = performance.now() - beganMs;
    const { result: checkpoint, tookMs: checkpointMs } = await steps.wait('checkpoint', () => {
      const source = cutSource(machine, digest, () => composeVmstate(device, own, digest));
      return takeCheckpoint(new Checkpointer({ source, store }), store, details, machine.gone);
    });
    execution.requireFrozen();
    const vmstate = composeVmstate(
      device,
      { ...own, checkpoint: { machineId: machine.id, ...checkpoint } },
      digest,
    );
    const { tookMs: writeMs } = await steps.wait('write', () =>
      writeTarget(target, vmstate, openStore),
    );
    steps.take('end', () => execution.requireFrozen());
    return {
      mode: 'reboot',
      machineId: machine.id,
      runstate: frozen.runstate,
      savedAtMs: own.machine.savedAtMs,
      vmstateBytes: vmstate.byteLength,
      ...(target.kind === 'bytes' && { bytes: vmstate }),
      generation: checkpoint.generation,
      timings: { prepareMs, saveMs, checkpointMs, writeMs },
    };
  } catch (thrown) {
    if (before) execution.thaw(before);
    throw thrown;
  }
}

/** The guest stands still already. */
async function takeCheckpoint(
  checkpointer: Checkpointer,
  store: MachineStore,
  details: unknown,
  signal: AbortSignal,
): Promise<{ generation: number; manifestDigest: string }> {
  const still = { stop: () => {}, go: () => {}, urgent: true };
  const { generation } = await checkpointer.checkpoint({ ...still, signal, details });
  const published = (await store.generations()).find(({ number }) => number === generation);
  if (!published) throw new CprError('storage-damaged', 'The checkpoint is not in storage.');
  return { generation, manifestDigest: await digestOf(published.manifest) };
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const { h64Raw } = await xxh64();
  return `xxh64:${h64Raw(bytes).toString(16).padStart(16, '0')}`;
}

/** A machine that was started `incoming` and has no guest yet. */
export interface AwaitingGuest {
  source: RuntimeSource;
  /** Absent once it has failed to load a guest. */
  ready: ReadyRuntime | undefined;
}

/**
 * Brings a stored guest back into a machine without one. All that can be checked is checked before
 * anything is touched.
 * @throws CprError after the machine was emptied again
 */
export async function loadStored(
  machine: CprMachine,
  awaiting: AwaitingGuest,
  source: CprSource,
  options: CprLoadOptions,
): Promise<{ report: CprLoadReport; origin: Origin }> {
  const { backing, openStore } = machine;
  const steps = new Steps('cprLoad', machine.around);
  const { result: bytes, tookMs: readMs } = await steps.wait('read', () =>
    readSource(source, openStore),
  );
  const { h64Raw: digest } = await xxh64();
  const named = steps.take('decode', () => {
    const saved = decomposeVmstate(bytes, digest);
    requireSameConfig(saved.machine.config, backing.config);
    requireSameBlocks(saved.blocks, backing);
    return saved;
  });
  const { result: store } = await steps.wait('find', async () =>
    findStored(named, await storeOf(openStore)),
  );
  const runtime = options.runtime ?? awaiting.source;
  const restore = () => restoreMemory(machine, store);
  const { report, cut } = await bringBack(machine, { awaiting, runtime, steps, restore });
  report.timings.readMs = readMs;
  return { report, origin: { store, cut } };
}

/** Where in storage a guest was brought back from. */
export interface Origin {
  /** Opened for writing; it may be so only after the guest has gone on. */
  store: MachineStore | Promise<MachineStore>;
  cut: RestoredCut;
}

/** What a guest is brought back from, and by whom. */
interface BringBackRequest<Cut> {
  awaiting: AwaitingGuest;
  runtime: RuntimeSource;
  steps: Steps;
  /** Puts memory, consoles and pieces in place, or waits for somebody who has begun to. */
  restore(): Promise<Cut>;
}

/** What a guest needs beside its memory. */
type GuestCut = Pick<RestoredCut, 'vmstate' | 'keeperState' | 'fellBack'>;

/** A machine's memory on its way back from storage. */
export interface Restoring {
  store: Promise<MachineStore>;
  restoring: Promise<RestoredCut>;
}

/** Restores memory, consoles and pieces of a machine without a guest. */
export async function restoreMemory(
  { backing, consoles }: CprMachine,
  store: CutStore,
): Promise<RestoredCut> {
  const { h64Raw: digest } = await xxh64();
  return restoreCut(store, { ...backing, consoles, digest, fresh: true });
}

/**
 * Brings a guest to life whose memory is restored.
 * @throws CprError after the machine was emptied again
 */
export async function bringBack<Cut extends GuestCut>(
  machine: CprMachine,
  { awaiting, runtime, steps, restore }: BringBackRequest<Cut>,
): Promise<{ report: CprLoadReport; cut: Cut }> {
  const { execution, backing } = machine;
  const { h64Raw: digest } = await xxh64();
  const { result: ready, tookMs: prepareMs } = await steps.wait('prepare', () =>
    getReady(machine, awaiting, runtime),
  );
  awaiting.ready = undefined;
  let instance: RuntimeInstance | undefined;
  try {
    const { result: cut, tookMs: restoreMs } = await steps.wait('restore', restore);
    machine.gone.throwIfAborted();
    const saved = decomposeVmstate(cut.vmstate, digest);
    requireSameBlocks(saved.blocks, backing);
    const kept = readKeeperState(cut.keeperState);
    machine.clock.continueFrom(kept.clockMs);

    const beganMs = performance.now();
    const { prepared, host } = ready;
    const loaded = steps.take('load', () => {
      host.gate = 'taking-over';
      instance = prepared.load(saved.device);
      return instance;
    });
    const { runstate, wasSuspended, savedAtMs, id, name } = saved.machine;
    steps.take('run', () => {
      if (runstate === 'running') loaded.run();
      host.rethrowCrash();
    });
    host.gate = 'in-charge';
    const loadMs = performance.now() - beganMs;
    machine.become(id, name);
    machine.restarts = kept.restarts;
    execution.bootedAtMs = kept.bootedAtMs;
    execution.arrived({ instance: loaded, host }, awaiting.source, { runstate, wasSuspended });
    const report = {
      machineId: id,
      runstate,
      savedAtMs,
      runtimeId: awaiting.source.id,
      v86Version: loaded.v86Version,
      ...(cut.fellBack !== undefined && { fellBack: cut.fellBack }),
      timings: { readMs: 0, prepareMs, restoreMs, loadMs },
    };
    return { report, cut };
  } catch (thrown) {
    discardReady(ready);
    if (instance) end(instance);
    empty(machine);
    throw thrown;
  }
}

/** The machine's storage, if it still is what the vmstate names. @throws as {@link requireStored} */
async function findStored(
  named: DecodedVmstate,
  store: Awaited<ReturnType<typeof storeOf>>,
): Promise<MachineStore> {
  return store.open(await requireStored(named, store));
}

/**
 * @returns the id of the stored machine, whose newest checkpoint is what the vmstate names
 * @throws CprError `wrong-machine` for a state whose RAM is not in storage, `not-found`
 */
export async function requireStored(
  { machine, checkpoint }: Pick<DecodedVmstate, 'machine' | 'checkpoint'>,
  store: Awaited<ReturnType<typeof storeOf>>,
): Promise<string> {
  if (!checkpoint) {
    throw new CprError(
      'wrong-machine',
      `This is device state only: it was saved in mode "${machine.mode}", and its RAM stayed in the keeper that saved it.`,
    );
  }
  const { machineId, generation, manifestDigest } = checkpoint;
  // To open it fences off whoever runs it: not before it is known to be the right one.
  const [newest] = await (await store.peek(machineId)).generations();
  // One that is damaged is found so when it is restored; then the one before is taken.
  if (newest && newest.number !== generation) {
    throw new CprError(
      'not-found',
      `This state is that of checkpoint ${generation} of the machine, in storage is ${newest.number}: the guest has gone on since, or the checkpoint was dropped as damaged.`,
    );
  }
  if (newest && (await digestOf(newest.manifest)) !== manifestDigest) {
    throw new CprError(
      'wrong-machine',
      `Checkpoint ${generation} in storage is not the one that this state was saved with.`,
    );
  }
  return machineId;
}

async function getReady(
  { next }: CprMachine,
  awaiting: AwaitingGuest,
  source: RuntimeSource,
): Promise<ReadyRuntime> {
  const { ready } = awaiting;
  const { url, wasmUrl } = awaiting.source;
  if (ready && source.url === url && source.wasmUrl === wasmUrl) return ready;
  if (ready) discardReady(ready);
  awaiting.ready = undefined;
  awaiting.source = source;
  awaiting.ready = await next.prepare(source, { incoming: true });
  return awaiting.ready;
}

function end(instance: RuntimeInstance): void {
  try {
    instance.stop();
    instance.destroy();
  } catch (thrown) {
    console.warn('A runtime that failed to load a guest also failed to end:', thrown);
  }
}

/** As new: another runtime relies on memory that is zero. */
function empty({ backing, consoles }: CprMachine): void {
  const { memory, blocks, pieces, runtimeBytes } = backing;
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0, 0, runtimeBytes);
  for (const { address, sizeBytes } of guestBlocks(blocks)) {
    bytes.fill(0, address, address + sizeBytes);
  }
  for (const name of pieces.names()) pieces.of(name).restore([], 0);
  consoles.restore([]);
}
