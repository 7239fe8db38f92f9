/**
 * The guest's writes to a disk, by block, in pieces that the keeper owns. They overlay a base that
 * is never written to.
 */
import type { VersionedPieces } from '../../protocol/abi.ts';
import {
  blockBytes,
  writtenSectors as maskOf,
  sectorBytes,
  wholeBlock,
} from '../../protocol/disk-piece.ts';

export { blockBytes, sectorBytes };

/**
 * Overlay of a disk. Blocks of which only some sectors were written are stored as such: a write
 * never waits for a base.
 */
export class Overlay {
  readonly #pieces: VersionedPieces;

  constructor(pieces: VersionedPieces) {
    this.#pieces = pieces;
  }

  /** Grows with every write; see {@link VersionedPieces.generation}. */
  get generation(): number {
    return this.#pieces.generation;
  }

  countBlocks(): number {
    let count = 0;
    for (const _ of this.#pieces.indexes()) count++;
    return count;
  }

  /** Returns how much of a range was ever written. */
  coverage(start: number, length: number): 'none' | 'some' | 'all' {
    if (this.generation === 0) return 'none';
    let written = false;
    let unwritten = false;
    for (const { index, from, to } of blocksOf(start, length)) {
      const mask = maskOf(this.#pieces.get(index));
      const wanted = sectorMask(from, to);
      if (mask & wanted) written = true;
      if (~mask & wanted) unwritten = true;
    }
    if (!written) return 'none';
    return unwritten ? 'some' : 'all';
  }

  /** Overlays the writes on `target`, which holds the disk's bytes from `start` on. */
  applyTo(start: number, target: Uint8Array): void {
    for (const { index, from, to, offset } of blocksOf(start, target.length)) {
      const piece = this.#pieces.get(index);
      if (!piece) continue;
      const mask = maskOf(piece);
      if (mask === wholeBlock) {
        target.set(piece.subarray(from, to), offset);
        continue;
      }
      for (let at = from; at < to; ) {
        const sector = Math.floor(at / sectorBytes);
        const end = Math.min((sector + 1) * sectorBytes, to);
        if (mask & (1 << sector)) target.set(piece.subarray(at, end), offset + at - from);
        at = end;
      }
    }
  }

  /**
   * @param start and the length of `bytes` are multiples of {@link sectorBytes}
   * @param under returns the base's contents there if available: a whole block or nothing
   */
  write(
    start: number,
    bytes: Uint8Array,
    under: (blockStart: number) => Uint8Array | undefined,
  ): void {
    for (const { index, from, to, offset } of blocksOf(start, bytes.length)) {
      const data = bytes.subarray(offset, offset + to - from);
      const written = sectorMask(from, to);
      const old = this.#pieces.get(index);
      const mask = maskOf(old) | written;
      if (old && (old.length === blockBytes || mask !== wholeBlock)) {
        old.set(data, from);
        if (old.length > blockBytes) old[blockBytes] = mask;
        this.#pieces.set(index, old);
        continue;
      }
      const base = mask === wholeBlock ? undefined : under(index * blockBytes);
      const piece = new Uint8Array(mask === wholeBlock || base ? blockBytes : blockBytes + 1);
      piece.set(old?.subarray(0, blockBytes) ?? base ?? []);
      piece.set(data, from);
      if (piece.length > blockBytes) piece[blockBytes] = mask;
      this.#pieces.set(index, piece);
    }
  }

  /** Drops all writes, so that the disk equals its base. */
  clear(): void {
    for (const index of [...this.#pieces.indexes()]) this.#pieces.delete(index);
  }
}

interface BlockRange {
  index: number;
  /** Bytes within the block. */
  from: number;
  to: number;
  /** Offset of `from` within the requested range. */
  offset: number;
}

function* blocksOf(start: number, length: number): Generator<BlockRange> {
  for (let offset = 0; offset < length; ) {
    const index = Math.floor((start + offset) / blockBytes);
    const from = start + offset - index * blockBytes;
    const to = Math.min(blockBytes, from + length - offset);
    yield { index, from, to, offset };
    offset += to - from;
  }
}

/** The sectors that bytes `from` to `to` of a block touch. */
function sectorMask(from: number, to: number): number {
  const first = Math.floor(from / sectorBytes);
  const end = Math.ceil(to / sectorBytes);
  return ((1 << end) - 1) & ~((1 << first) - 1);
}
