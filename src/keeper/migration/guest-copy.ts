/** The guest as a migration copies it: like a checkpoint, with notes of its own about what was sent. */

import type { MachineStore } from '../../store/types.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { blockNamed, type CheckpointSource } from '../checkpoint/checkpoint-source.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { pageIndexBytes } from '../checkpoint/page-scan.ts';
import { nextTask } from '../checkpoint/slices.ts';
import { writtenPages } from '../checkpoint/written-pages.ts';
import { checkpointSource } from '../cpr/guest-checkpoint-source.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { composeVmstate, sectionsOf } from '../cpr/sections.ts';

/** A live update uses this block, and none takes place during a migration. */
const notesBlock = 'runtime.incoming';
/** Size of copies that wait to be sent. */
const waitingBytes = 4 * 1024 * 1024;
/** Longest time that the guest waits for its turn. */
const sliceMs = 2;

export class GuestCopy {
  readonly source: CheckpointSource;
  readonly #writes:
    | ReturnType<NonNullable<ReturnType<GuestParts['watchedWrites']>>['reader']>
    | undefined;
  readonly #memory: WebAssembly.Memory;
  readonly #machine: GuestParts;
  readonly #save: () => Uint8Array;

  /** @param saves called when all of memory was read, and the device state is about to be saved */
  constructor(machine: GuestParts, digest: Digest, saves: () => void) {
    const { execution, backing } = machine;
    const { instance } = execution;
    this.#machine = machine;
    this.#save = () => {
      const own = sectionsOf(machine, 'reboot', execution.savedState());
      return composeVmstate(execution.instance.save(), own, digest);
    };
    const save = () => {
      saves();
      return this.#save();
    };
    const source = checkpointSource(machine, digest, save);
    const index = blockNamed(backing.blocks, notesBlock);
    const pages = source.guestMemory.reduce((sum, { sizeBytes }) => sum + sizeBytes / 4096, 0);
    const marks = Math.ceil((index.address + pageIndexBytes(pages)) / 16) * 16;
    const watched = machine.watchedWrites(instance.writes);
    this.#writes = watched?.reader(marks);
    this.#memory = backing.memory;
    const { guestMemory, keeperState } = source;
    this.source = {
      ...source,
      guestMemory,
      ...(keeperState && { keeperState }),
      writes: this.#writes?.writes,
      index,
      save,
    };
  }

  checkpointer(store: MachineStore): Checkpointer {
    return new Checkpointer({
      source: this.source,
      store,
      waitingBytes,
      sliceMs,
      wholePieces: true,
    });
  }

  /** Saves the device state without use, so that the engine has compiled that code when it counts. */
  async rehearse(): Promise<void> {
    const { execution } = this.#machine;
    for (let times = 0; times < 2; times++) {
      await nextTask();
      execution.hold();
      try {
        this.#save();
      } catch {
        // It may be possible once the guest has stopped.
        return;
      } finally {
        execution.release();
      }
    }
  }

  /** Returns how many pages may have been written since the round began; undefined if unknown. */
  writtenPages(): number | undefined {
    const writes = this.#writes?.writes;
    if (!writes) return undefined;
    writes.collect();
    return writtenPages(writes, this.#memory);
  }

  end(): void {
    this.#writes?.end();
  }
}
