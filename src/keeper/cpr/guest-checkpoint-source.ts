/** The machine as checkpoints see it. */

import { HoldfastError } from '../../errors.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import type { CheckpointSource } from '../checkpoint/checkpoint-source.ts';
import { unknownMemory } from './blockers.ts';
import type { GuestParts } from './guest-parts.ts';

/** The keeper's own state of a guest, needed at a resume. Members are only ever added. */
interface KeeperState {
  /** The reading of the machine's clock at the cut. */
  clockMs: number;
  /** The reading from which the clock of a guest continues that was paused together with its time. */
  stoppedAtMs?: number;
  bootedAtMs: number;
  restarts: number;
}

/** @param save returns the guest's device state with the keeper's sections; the guest is stopped */
export function checkpointSource(
  machine: GuestParts,
  digest: Digest,
  save: () => Uint8Array,
): CheckpointSource {
  const { backing, execution, consoles } = machine;
  return {
    memory: backing.memory,
    blocks: backing.blocks,
    pieces: backing.pieces,
    consoles,
    digest,
    get guestMemory() {
      const { guestMemory } = execution.instance;
      if (!guestMemory)
        throw new HoldfastError('blocked', unknownMemory(execution.source.id).message);
      return guestMemory;
    },
    get writes() {
      return machine.watchedWrites(execution.instance.writes);
    },
    save,
    noteRecent: () => machine.recentPages.note(execution.instance.recentPages?.()),
    absent: () => machine.memory.stored(),
    keeperState: () => {
      const { bootedAtMs } = execution;
      const { stoppedAtMs } = machine.clock;
      const state: KeeperState = {
        clockMs: backing.clock(),
        ...(stoppedAtMs !== undefined && { stoppedAtMs }),
        bootedAtMs,
        restarts: machine.restarts,
      };
      return new TextEncoder().encode(JSON.stringify(state));
    },
  };
}

/** @throws HoldfastError `storage-damaged` */
export function readKeeperState(bytes: Uint8Array): KeeperState {
  try {
    const { clockMs, stoppedAtMs, bootedAtMs, restarts } = JSON.parse(
      new TextDecoder().decode(bytes),
    );
    const isTime = (value: unknown) => Number.isFinite(value) && Number(value) >= 0;
    if ([clockMs, stoppedAtMs ?? 0, bootedAtMs, restarts].every(isTime))
      return { clockMs, ...(isTime(stoppedAtMs) && { stoppedAtMs }), bootedAtMs, restarts };
  } catch {
    // The error is thrown below.
  }
  throw new HoldfastError(
    'storage-damaged',
    'What the keeper knew of the stored guest cannot be read.',
  );
}
