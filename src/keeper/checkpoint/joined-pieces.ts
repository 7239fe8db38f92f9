/** Large pieces of a stored checkpoint. Each is joined as soon as all of its parts have arrived. */
import { HoldfastError } from '../../errors.ts';
import { piecePrefix } from './blob-batch.ts';
import { joinParts, type PieceLengths, partCount, partsOf, pieceOf } from './large-pieces.ts';
import type { Piece } from './record.ts';

export class JoinedPieces {
  readonly #lengths: PieceLengths;
  readonly #parts = new Map<string, Map<number, Uint8Array>>();
  readonly #missing: Set<string>;

  /** @param lengths of the checkpoint's manifest */
  constructor(lengths: PieceLengths = {}) {
    this.#lengths = lengths;
    this.#missing = new Set(Object.keys(lengths));
  }

  /**
   * Takes the newest version of each blob.
   * @returns the blob itself if it is not a part; for a part, the piece that it completes, or
   * undefined
   */
  take(blob: Piece): Piece | undefined {
    const { stream, index, bytes } = blob;
    const piece = pieceOf(stream);
    // An old whole version of a piece that is now stored in parts.
    if (!piece)
      return partsOf(stream, index).slice(piecePrefix.length) in this.#lengths ? undefined : blob;
    const name = stream.slice(piecePrefix.length);
    const length = this.#lengths[name];
    if (length === undefined || !bytes || index >= partCount(length)) return undefined;
    const parts = this.#parts.get(name) ?? new Map<number, Uint8Array>();
    this.#parts.set(name, parts);
    // Copied, because its record and all others in it are released.
    parts.set(index, bytes.slice());
    if (parts.size < partCount(length)) return undefined;
    this.#parts.delete(name);
    this.#missing.delete(name);
    return { ...piece, bytes: joinParts(name, length, parts) };
  }

  /** @throws HoldfastError `storage-damaged` */
  requireAll(): void {
    const [missing] = this.#missing;
    if (missing !== undefined)
      throw new HoldfastError('storage-damaged', `A part of "${missing}" is not in storage.`);
  }
}
