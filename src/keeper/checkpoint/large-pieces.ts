/**
 * Pieces that are too large to be written whole whenever one byte of them changes: files of the 9p share.
 * They are stored in parts, each a blob of a stream of its own, `pieces.9p.files/7` for file 7. The manifest
 * says which pieces are in parts, and how long each is; parts beyond that are of earlier times.
 */

import { HoldfastError } from '../../errors.ts';
import type { Digest } from '../../vmstate/vmstate.ts';

export const partBytes = 64 * 1024;
/** What is no larger is written whole. */
export const wholeBytes = 256 * 1024;

/** Lengths of the pieces in parts, by the name of their pieces and their index: `9p.files/7`. */
export type PieceLengths = Record<string, number>;

/** The stream of the parts of a piece, or its name in {@link PieceLengths}. */
export const partsOf = (stream: string, index: number): string => `${stream}/${index}`;

/** The other way round; undefined for a stream that has no parts. */
export function pieceOf(partsStream: string): { stream: string; index: number } | undefined {
  const [, stream, index] = /^([^/]+)\/(\d+)$/.exec(partsStream) ?? [];
  return stream === undefined ? undefined : { stream, index: Number(index) };
}

export const partCount = (length: number): number => Math.ceil(length / partBytes);

export const partAt = (bytes: Uint8Array, part: number): Uint8Array =>
  bytes.subarray(part * partBytes, (part + 1) * partBytes);

/** Tells which parts of a piece have changed since it was last looked at. */
export class PartDigests {
  readonly #digest: Digest;
  readonly #digests = new Map<string, BigUint64Array>();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /**
   * Each part is looked at when the one before is done with: the guest may run meanwhile, so a part
   * has to be copied before the next is asked for.
   * @yields all parts, of a piece that nothing is known of
   */
  *changed(name: string, bytes: Uint8Array): Generator<number> {
    const before = this.#digests.get(name);
    const now = new BigUint64Array(partCount(bytes.length));
    // A caller that stops half-way leaves no digests: the next time all parts are written again.
    this.#digests.delete(name);
    for (let part = 0; part < now.length; part++) {
      const contents = partAt(bytes, part);
      // A last part of another length has another digest, too.
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

/** @throws HoldfastError `storage-damaged` when a part is missing or not as long as it must be */
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
