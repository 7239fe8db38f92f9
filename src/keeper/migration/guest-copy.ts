/** The guest as a migration copies it: like a checkpoint, with notes of its own about what was sent. */

import type { MachineStore } from '../../store/types.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { blockNamed, type CheckpointSource } from '../checkpoint/checkpoint-source.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { pageIndexBytes } from '../checkpoint/page-scan.ts';
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

  constructor(machine: GuestParts, digest: Digest) {
    const { execution, backing } = machine;
    const { instance } = execution;
    const save = () => {
      const own = sectionsOf(machine, 'reboot', execution.savedState());
      return composeVmstate(execution.instance.save(), own, digest);
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
