/**
 * Pieces that are too large to write whole whenever one byte changes: files of the 9p share. They
 * are stored in parts. Each part is a blob of a separate stream, `pieces.9p.files/7` for file 7.
 * The manifest lists the pieces in parts and their lengths; parts beyond that length are older.
 */

import { HoldfastError } from '../../errors.ts';
import type { Digest } from '../../vmstate/vmstate.ts';

export const partBytes = 64 * 1024;
/** Pieces up to this size are written whole. */
export const wholeBytes = 256 * 1024;

/** Lengths of the pieces in parts, by the name of their pieces and their index: `9p.files/7`. */
export type PieceLengths = Record<string, number>;

/** Returns the stream of a piece's parts, or its name in {@link PieceLengths}. */
export const partsOf = (stream: string, index: number): string => `${stream}/${index}`;

/** Reverses {@link partsOf}; undefined for a stream that has no parts. */
export function pieceOf(partsStream: string): { stream: string; index: number } | undefined {
  const [, stream, index] = /^([^/]+)\/(\d+)$/.exec(partsStream) ?? [];
  return stream === undefined ? undefined : { stream, index: Number(index) };
}

export const partCount = (length: number): number => Math.ceil(length / partBytes);

export const partAt = (bytes: Uint8Array, part: number): Uint8Array =>
  bytes.subarray(part * partBytes, (part + 1) * partBytes);

/** Finds the parts of a piece that have changed since the last look at it. */
export class PartDigests {
  readonly #digest: Digest;
  readonly #digests = new Map<string, BigUint64Array>();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /**
   * Yields the changed parts. Each part is read only when it is requested, and the guest may run in
   * between. So copy a part before you request the next one.
   * @yields all parts if the piece is new
   */
  *changed(name: string, bytes: Uint8Array): Generator<number> {
    const before = this.#digests.get(name);
    const now = new BigUint64Array(partCount(bytes.length));
    // If the caller stops half-way, no digests remain and the next call yields all parts.
    this.#digests.delete(name);
    for (let part = 0; part < now.length; part++) {
      const contents = partAt(bytes, part);
      // A last part of another length also has another digest.
      now[part] = this.#digest(contents, BigInt(contents.length));
      if (!before || before[part] !== now[part]) yield part;
    }
    this.#digests.set(name, now);
  }

  forget(name: string): void {
    this.#digests.delete(name);
  }

  forgetAll(): void {
    this.#digests.clear();
  }
}

/** @throws HoldfastError `storage-damaged` if a part is missing or has the wrong length */
export function joinParts(
  name: string,
  length: number,
  parts: ReadonlyMap<number, Uint8Array | undefined> | undefined,
): Uint8Array {
  const whole = new Uint8Array(length);
  for (let part = 0; part < partCount(length); part++) {
    const bytes = parts?.get(part);
    const room = partAt(whole, part);
    if (bytes?.length !== room.length)
      throw new HoldfastError('storage-damaged', `A part of "${name}" is not in storage.`);
    room.set(bytes);
  }
  return whole;
}
