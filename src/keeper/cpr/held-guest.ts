/** Mode `restart`: the guest is held in the keeper, stopped, between cprSave and cprLoad. */
import type { CprSource, CprTarget } from '../../protocol/cpr.ts';
import type { CprLoadOptions, CprLoadReport, CprSaveReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import { handOver, LostGuestError } from '../runtimes/hand-over.ts';
import { discardReady, type ReadyRuntime } from '../runtimes/next-runtime.ts';
import { refuseIfBlocked } from './blockers.ts';
import type { CprMachine } from './cpr-machine.ts';
import { xxh64 } from './digest.ts';
import { requireSameBlocks, requireSameCut } from './match.ts';
import { composeVmstate, decomposeVmstate, sectionsOf } from './sections.ts';
import { Steps } from './steps.ts';
import { readSource, writeTarget } from './targets.ts';

/** A guest that was saved and waits, untouched, in the runtime it had, for the other to load it. */
export interface HeldGuest {
  readonly cut: string;
  readonly before: FrozenExecution;
  source: RuntimeSource;
  /** Absent once it has failed to take the guest over. */
  ready: ReadyRuntime | undefined;
}

/**
 * Saves the guest and makes the other runtime ready for it. The runstate is then `inmigrate`.
 * @throws CprError after the guest went on as before
 */
export async function saveAndHold(
  machine: CprMachine,
  target: CprTarget,
  source: RuntimeSource,
): Promise<{ report: CprSaveReport; held: HeldGuest }> {
  const { execution, next } = machine;
  const steps = new Steps('cprSave', machine.around);
  let ready: ReadyRuntime | undefined;
  let before: FrozenExecution | undefined;
  try {
    await steps.wait('blockers', () => refuseIfBlocked('restart', machine));
    const { h64Raw } = await xxh64();
    const { tookMs: prepareMs } = await steps.wait('prepare', async () => {
      ready = await next.prepare(source);
    });
    await steps.wait('quiesce', () =>
      next.bounded('stop', source, () => execution.instance.quiesce()),
    );
    const frozen = steps.take('stop', () => {
      before = execution.freeze();
      return before;
    });
    const beganMs = performance.now();
    const own = sectionsOf(machine, 'restart', frozen);
    const vmstate = steps.take('save', () =>
      composeVmstate(execution.instance.save(), own, h64Raw),
    );
    const saveMs = performance.now() - beganMs;
    const { tookMs: writeMs } = await steps.wait('write', () =>
      writeTarget(target, vmstate, machine.openStore),
    );
    steps.take('hold', () => execution.enterIncoming());
    return {
      report: {
        mode: 'restart',
        machineId: own.machine.id,
        runstate: frozen.runstate,
        savedAtMs: own.machine.savedAtMs,
        vmstateBytes: vmstate.byteLength,
        ...(target.kind === 'bytes' && { bytes: vmstate }),
        timings: { prepareMs, saveMs, writeMs },
      },
      held: { cut: own.machine.cut, before: frozen, source, ready },
    };
  } catch (thrown) {
    if (ready) discardReady(ready);
    if (before) execution.thaw(before);
    throw thrown;
  }
}

/**
 * Hands the guest over to the other runtime, with the device state from `source`. All of it is
 * checked before anything is touched.
 * @throws CprError after the guest is held as before
 */
export async function loadHeld(
  machine: CprMachine,
  held: HeldGuest,
  source: CprSource,
  options: CprLoadOptions,
): Promise<CprLoadReport> {
  const { execution } = machine;
  const steps = new Steps('cprLoad', machine.around);
  const { result: bytes, tookMs: readMs } = await steps.wait('read', () =>
    readSource(source, machine.openStore),
  );
  const { h64Raw } = await xxh64();
  const saved = steps.take('decode', () => {
    const decoded = decomposeVmstate(bytes, h64Raw);
    requireSameCut(decoded.machine, machine.id, held.cut);
    requireSameBlocks(decoded.blocks, machine.backing);
    return decoded;
  });
  const { result: to, tookMs: prepareMs } = await steps.wait('prepare', () =>
    getReady(machine, held, options.runtime ?? held.source),
  );
  execution.requireFrozen();
  const from = execution.hosted;
  held.ready = undefined;
  const { runstate, wasSuspended, savedAtMs } = saved.machine;
  try {
    const { instance, timings } = handOver({
      from,
      to,
      wasRunning: false,
      run: runstate === 'running',
      vmstate: saved.device,
      around: steps.around,
    });
    execution.arrived({ instance, host: to.host }, held.source, { runstate, wasSuspended });
    return {
      machineId: machine.id,
      runstate,
      savedAtMs,
      runtimeId: held.source.id,
      v86Version: instance.v86Version,
      timings: { readMs, prepareMs, loadMs: timings.pauseMs },
    };
  } catch (thrown) {
    discardReady(to);
    if (thrown instanceof LostGuestError) execution.crashed(thrown);
    throw thrown;
  }
}

/** The guest goes on in the runtime it had. */
export function letGo(machine: CprMachine, held: HeldGuest): void {
  if (held.ready) discardReady(held.ready);
  held.ready = undefined;
  machine.execution.thaw(held.before);
}

async function getReady(
  machine: CprMachine,
  held: HeldGuest,
  source: RuntimeSource,
): Promise<ReadyRuntime> {
  const { ready } = held;
  if (ready && source.url === held.source.url && source.wasmUrl === held.source.wasmUrl)
    return ready;
  // The memory in which a runtime is made ready has room for one.
  if (ready) discardReady(ready);
  held.ready = undefined;
  held.source = source;
  held.ready = await machine.next.prepare(source);
  return held.ready;
}
