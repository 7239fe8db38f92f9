/** The parts of a machine that a checkpoint consists of. */

import { HoldfastError } from '../../errors.ts';
import type { RamBlock, VersionedPieces, WriteTracking } from '../../protocol/abi.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import type { Consoles } from '../guest/consoles.ts';
import { GuestPages } from './guest-pages.ts';
import type { StoredAbsent, StoredRange } from './manifest.ts';

/** Name of the RAM block that holds the checkpointer's data about each page. */
export const indexBlock = 'checkpoint.index';

/** The machine's pieces by name: a VersionedPieceMaps. */
interface PieceSets {
  names(): Iterable<string>;
  of(name: string): PieceSet;
}

export interface PieceSet extends VersionedPieces {
  /** Indexes that were set or deleted after `generation`. */
  changedSince(generation: number): Iterable<number>;
  /** Replaces all pieces. This does not count as a change since `generation`. */
  restore(pieces: Iterable<readonly [index: number, bytes: Uint8Array]>, generation: number): void;
}

/** Parts of a machine that a checkpoint is restored to. */
export interface RestoreTarget {
  readonly memory: WebAssembly.Memory;
  /** The machine's RAM blocks, including one named {@link indexBlock}. */
  readonly blocks: readonly RamBlock[];
  readonly consoles: Consoles;
  readonly pieces: PieceSets;
  readonly digest: Digest;
}

/** The active runtime may replace its members: they are read again at every use. */
export interface CheckpointSource extends RestoreTarget {
  /** The parts of the RAM blocks that belong to the guest. Constant for a machine. */
  readonly guestMemory: readonly RamBlock[];
  readonly writes?: WriteTracking | undefined;
  /** Place for the data about each page, if not the block {@link indexBlock}. */
  readonly index?: Pick<RamBlock, 'address'>;
  /** Called before the runtime's notes of what the guest uses are cleared. The guest runs. */
  noteRecent?(): void;
  /** Returns the pages that have not arrived; the guest is stopped. */
  absent?(): StoredAbsent | undefined;
  /** Returns the device state; the guest is stopped. */
  save(): Uint8Array;
  /** Returns the state that the keeper itself needs to resume; the guest is stopped. */
  keeperState?(): Uint8Array;
}

export function blockNamed(blocks: readonly RamBlock[], name: string): RamBlock {
  const block = blocks.find((candidate) => candidate.name === name);
  if (!block)
    throw new HoldfastError(
      'wrong-machine',
      `The machine has no RAM block "${name}", the state does.`,
    );
  return block;
}

export function storedRanges({ guestMemory, blocks }: CheckpointSource): StoredRange[] {
  return guestMemory.map(({ name, address, sizeBytes }) => ({
    block: name,
    offsetBytes: address - blockNamed(blocks, name).address,
    pages: sizeBytes / 4096,
  }));
}

/** @throws HoldfastError `wrong-machine` if the ranges do not fit into the blocks. */
export function placeRanges(ranges: readonly StoredRange[], blocks: readonly RamBlock[]) {
  return new GuestPages(
    ranges.map(({ block: name, offsetBytes, pages }) => {
      const block = blockNamed(blocks, name);
      if (offsetBytes + pages * 4096 > block.sizeBytes)
        throw new HoldfastError(
          'wrong-machine',
          `The state has more memory than this machine: "${name}" does not fit.`,
        );
      return { name, address: block.address + offsetBytes, sizeBytes: pages * 4096 };
    }),
  );
}
