/** Restores a guest in a machine without one, whose memory is already restored. */
import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { CprLoadReport } from '../../protocol/keeper-api.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import type { MachineStore } from '../../store/types.ts';
import { blockNamed } from '../checkpoint/checkpoint-source.ts';
import {
  type CheckpointLog,
  type RestoredCheckpoint,
  restoreCheckpoint,
} from '../checkpoint/restore-checkpoint.ts';
import { discardReady } from '../runtimes/next-runtime.ts';
import { xxh64 } from './digest.ts';
import { emptyMachine } from './empty-machine.ts';
import { readKeeperState } from './guest-checkpoint-source.ts';
import type { GuestParts } from './guest-parts.ts';
import { requireSameBlocks } from './match.ts';
import { decomposeVmstate } from './sections.ts';
import type { Steps } from './steps.ts';
import { getReady, type WaitingRuntime } from './waiting-runtime.ts';

/** Place in storage that a guest was restored from. */
export interface StoredSource {
  /** Opened for writing. That may happen only after the guest has resumed. */
  store: MachineStore | Promise<MachineStore>;
  checkpoint: RestoredCheckpoint;
}

/** Source and runtime of a guest that is restored. */
export interface RestoreGuestRequest<Restored> {
  awaiting: WaitingRuntime;
  runtime: RuntimeSource;
  steps: Steps;
  /** Restores memory, consoles and pieces, or waits for a restore that is under way. */
  restore(): Promise<Restored>;
  /** Time that passed for the guest since its state was taken, ms. Absent: none. */
  gapMs?(): number;
  /** Awaited once the guest is loaded. It runs unless this rejects. */
  mayRun?(): Promise<void>;
  /** Called when it runs, and nothing can undo that. */
  runs?(): void;
}

/** State that a guest needs beside its memory. */
export type RestoredGuest = Pick<RestoredCheckpoint, 'vmstate' | 'keeperState' | 'fellBack'>;

/** A restore of a machine's memory that is under way. */
export interface Restoring {
  store: Promise<MachineStore>;
  restoring: Promise<RestoredCheckpoint>;
}

/** Restores memory, consoles and pieces of a machine without a guest. */
export async function restoreMemory(
  { backing, consoles, memory }: GuestParts,
  store: CheckpointLog,
): Promise<RestoredCheckpoint> {
  const { h64Raw: digest } = await xxh64();
  const target = { ...backing, consoles, digest, fresh: true };
  const restored = await restoreCheckpoint(store, target);
  const { absent, guestMemory } = restored;
  if (absent) await memory.resume(absent, blockNamed(guestMemory, 'pc.ram'));
  return restored;
}

/**
 * Restores a guest whose memory is restored already.
 * @throws HoldfastError after the machine was emptied again
 */
export async function restoreGuest<Restored extends RestoredGuest>(
  machine: GuestParts,
  { awaiting, runtime, steps, restore, gapMs, mayRun, runs }: RestoreGuestRequest<Restored>,
): Promise<{ report: CprLoadReport; restored: Restored }> {
  const { execution, backing } = machine;
  const { h64Raw: digest } = await xxh64();
  const { result: ready, tookMs: prepareMs } = await steps.wait('prepare', () =>
    getReady(machine.next, awaiting, runtime, { incoming: true }),
  );
  awaiting.ready = undefined;
  let instance: RuntimeInstance | undefined;
  try {
    const { result: restored, tookMs: restoreMs } = await steps.wait('restore', restore);
    machine.gone.throwIfAborted();
    const saved = decomposeVmstate(restored.vmstate, digest);
    requireSameBlocks(saved.blocks, backing);
    const kept = readKeeperState(restored.keeperState);
    machine.clock.continueFrom(kept.clockMs + (gapMs?.() ?? 0));
    if (kept.stoppedAtMs !== undefined) machine.clock.stopAt(kept.stoppedAtMs);

    const beganMs = performance.now();
    const { prepared, host } = ready;
    const loaded = steps.take('load', () => {
      host.gate = 'taking-over';
      instance = prepared.load(saved.device);
      return instance;
    });
    const { runstate, wasSuspended, savedAtMs, id, name } = saved.machine;
    await machine.memory.attach(loaded);
    await mayRun?.();
    steps.take('run', () => {
      if (runstate === 'running') loaded.run();
      host.rethrowCrash();
    });
    host.gate = 'in-charge';
    const loadMs = performance.now() - beganMs;
    machine.become(id, name);
    machine.restarts = kept.restarts;
    execution.bootedAtMs = kept.bootedAtMs;
    execution.loaded({ instance: loaded, host }, awaiting.source, { runstate, wasSuspended });
    runs?.();
    const report = {
      machineId: id,
      runstate,
      savedAtMs,
      runtimeId: awaiting.source.id,
      v86Version: loaded.v86Version,
      ...(restored.fellBack !== undefined && { fellBack: restored.fellBack }),
      timings: { readMs: 0, prepareMs, restoreMs, loadMs },
    };
    return { report, restored };
  } catch (thrown) {
    discardReady(ready);
    if (instance) end(instance);
    // It takes a while, and a machine that a guest arrived at ends.
    if (!mayRun) emptyMachine(machine);
    throw thrown;
  }
}

function end(instance: RuntimeInstance): void {
  try {
    instance.stop();
    instance.destroy();
  } catch (thrown) {
    console.warn('A runtime that failed to load a guest also failed to end:', thrown);
  }
}
