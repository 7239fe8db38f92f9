/** What a checkpoint is made of, as the machine lends it. */

import { HoldfastError } from '../../errors.ts';
import type { RamBlock, VersionedPieces, WriteTracking } from '../../protocol/abi.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import type { Consoles } from '../guest/consoles.ts';
import { GuestPages } from './guest-pages.ts';
import type { StoredRange } from './manifest.ts';

/** Name of the RAM block for what a machine's checkpoints need to remember of each page. */
export const indexBlock = 'checkpoint.index';

/** The machine's pieces, by name: a VersionedPieceMaps. */
interface PieceSets {
  names(): Iterable<string>;
  of(name: string): PieceSet;
}

export interface PieceSet extends VersionedPieces {
  /** Indexes that were set or deleted after `generation`. */
  changedSince(generation: number): Iterable<number>;
  /** Replaces everything; counts as no change since `generation`. */
  restore(pieces: Iterable<readonly [index: number, bytes: Uint8Array]>, generation: number): void;
}

/** Where a cut comes from, and goes back to. */
export interface RestoreTarget {
  readonly memory: WebAssembly.Memory;
  /** The machine's RAM blocks, with one named {@link indexBlock}. */
  readonly blocks: readonly RamBlock[];
  readonly consoles: Consoles;
  readonly pieces: PieceSets;
  readonly digest: Digest;
}

/** Its members may change with the runtime in charge: they are read anew whenever they are needed. */
export interface CheckpointSource extends RestoreTarget {
  /** What of the RAM blocks is the guest's own. Always the same for a machine. */
  readonly guestMemory: readonly RamBlock[];
  readonly writes?: WriteTracking | undefined;
  /** Device state; the guest is stopped. */
  save(): Uint8Array;
  /** What the keeper itself must know to go on; the guest is stopped. */
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

/** @throws HoldfastError `wrong-machine` when the blocks have no room for them. */
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
