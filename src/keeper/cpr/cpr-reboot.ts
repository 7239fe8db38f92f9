/** Mode `reboot`: the guest is in persistent storage, and the keeper may end. */
import { HoldfastError } from '../../errors.ts';
import type { CprSource } from '../../protocol/cpr.ts';
import type { CprLoadOptions, CprLoadReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { MachineStore } from '../../store/types.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { type BoundedStore, openBounded } from './bounded-store.ts';
import { xxh64 } from './digest.ts';
import { digestOfManifest, findStored } from './find-stored.ts';
import { checkpointSource } from './guest-checkpoint-source.ts';
import type { GuestParts } from './guest-parts.ts';
import { requireSameBlocks, requireSameConfig } from './match.ts';
import { restoreGuest, restoreMemory, type StoredSource } from './restore-guest.ts';
import type { KeptGuest, SaveMode, StoppedGuest } from './save-guest.ts';
import { composeVmstate, decomposeVmstate } from './sections.ts';
import { Steps } from './steps.ts';
import { detailsOf, type StoredDetails } from './stored-details.ts';
import { readSource, storeOf } from './targets.ts';
import type { WaitingRuntime } from './waiting-runtime.ts';

/** Puts all of the guest into storage, and names that in its vmstate. The guest is then to be ended. */
export class RebootSave implements SaveMode {
  readonly name = 'reboot';
  readonly source: RuntimeSource;
  readonly #machine: GuestParts;
  readonly #details: StoredDetails;
  #store: BoundedStore | undefined;

  constructor(machine: GuestParts) {
    const { execution, backing } = machine;
    this.#machine = machine;
    this.source = execution.source;
    this.#details = detailsOf(backing.config, execution.source);
  }

  async prepare(): Promise<void> {
    this.#store = await openBounded(this.#machine);
  }

  save(): Uint8Array {
    return this.#machine.execution.instance.save();
  }

  async keep(device: Uint8Array, { own, digest }: StoppedGuest, steps: Steps): Promise<KeptGuest> {
    const machine = this.#machine;
    const store = this.#store as BoundedStore;
    const { result: checkpoint, tookMs: checkpointMs } = await steps.wait('checkpoint', () => {
      const source = checkpointSource(machine, digest, () => composeVmstate(device, own, digest));
      return takeCheckpoint(
        new Checkpointer({ source, store }),
        store,
        this.#details,
        machine.gone,
      );
    });
    machine.execution.requireFrozen();
    const named = { ...own, checkpoint: { machineId: machine.id, ...checkpoint } };
    const { generation } = checkpoint;
    return { vmstate: composeVmstate(device, named, digest), generation, checkpointMs };
  }

  finish(_guest: StoppedGuest, steps: Steps): void {
    steps.take('end', () => this.#machine.execution.requireFrozen());
  }

  abandon(): void {
    // Storage that was opened stays open for the checkpoints that follow.
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
  if (!published) throw new HoldfastError('storage-damaged', 'The checkpoint is not in storage.');
  return { generation, manifestDigest: await digestOfManifest(published.manifest) };
}

/**
 * Brings a stored guest back into a machine without one. All that can be checked is checked before
 * anything is touched.
 * @throws HoldfastError after the machine was emptied again
 */
export async function loadStored(
  machine: GuestParts,
  awaiting: WaitingRuntime,
  source: CprSource,
  options: CprLoadOptions,
): Promise<{ report: CprLoadReport; origin: StoredSource }> {
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
  const { report, restored } = await restoreGuest(machine, { awaiting, runtime, steps, restore });
  report.timings.readMs = readMs;
  return { report, origin: { store, checkpoint: restored } };
}
