/** Copies of pieces and of console output that have not been written yet. */
import type { Scrollback } from '../guest/scrollback.ts';
import type { RestoreTarget } from './checkpoint-source.ts';
import {
  joinParts,
  PartDigests,
  type PieceLengths,
  partAt,
  partCount,
  partsOf,
  pieceOf,
  wholeBytes,
} from './large-pieces.ts';
import type { Piece } from './record.ts';
import type { BlobKey, Segments } from './segments.ts';

/** Console output is stored in chunks. The last chunk is stored again whenever it has grown. */
export const consoleChunkBytes = 4096;
export const consolePrefix = 'console.';
export const piecePrefix = 'pieces.';

/** The contents of the batch when a checkpoint began, to return to after a failure. */
interface Progress {
  consoles: Map<string, number>;
  pieces: Map<string, number>;
  /** Progress of {@link PieceLengths}. */
  parts: Map<string, number>;
}

/** State that {@link BlobBatch} has put into a checkpoint and {@link BlobRestore} restores. */
interface StoredBlobs {
  consoles: Record<string, number>;
  pieces: Record<string, number>;
  parts?: PieceLengths;
}

interface BlobBatchOptions {
  /** Pieces that are in storage already. */
  done?: StoredBlobs | undefined;
  /** Large pieces are not divided, for receivers that do not support parts. */
  wholePieces?: boolean | undefined;
}

export class BlobBatch {
  readonly #place: Pick<RestoreTarget, 'consoles' | 'pieces'>;
  readonly #digests: PartDigests | undefined;
  readonly #segments: Segments;
  readonly #waiting = new Map<string, Map<number, Uint8Array | undefined>>();
  #waitingBytes = 0;
  /** Blobs to write although they have not changed. */
  readonly #forced = new Map<string, Set<number>>();
  /** Offset up to which each console was put into a batch, and generation of each set of pieces. */
  #done: Progress;

  constructor(
    place: Pick<RestoreTarget, 'consoles' | 'pieces' | 'digest'>,
    segments: Segments,
    { done, wholePieces = false }: BlobBatchOptions = {},
  ) {
    this.#place = place;
    this.#segments = segments;
    this.#digests = wholePieces ? undefined : new PartDigests(place.digest);
    this.#done = {
      consoles: new Map(Object.entries(done?.consoles ?? {})),
      pieces: new Map(Object.entries(done?.pieces ?? {})),
      parts: new Map(Object.entries(done?.parts ?? {})),
    };
  }

  /** Size of the waiting copies. */
  get sizeBytes(): number {
    return this.#waitingBytes;
  }

  get consoles(): Record<string, number> {
    return Object.fromEntries(this.#done.consoles);
  }

  get pieces(): Record<string, number> {
    return Object.fromEntries(this.#done.pieces);
  }

  get parts(): PieceLengths {
    return Object.fromEntries(this.#done.parts);
  }

  /** Returns the present state, for {@link resetTo}. */
  progress(): Progress {
    const { consoles, pieces, parts } = this.#done;
    return { consoles: new Map(consoles), pieces: new Map(pieces), parts: new Map(parts) };
  }

  /**
   * Discards what was collected since. The caller forces everything else that must be written
   * again.
   */
  resetTo(progress: Progress): void {
    this.#clear();
    this.#digests?.forgetAll();
    this.#done = progress;
  }

  force({ stream, index }: BlobKey): void {
    let forced = this.#forced.get(stream);
    if (!forced) {
      forced = new Set();
      this.#forced.set(stream, forced);
    }
    forced.add(index);
  }

  forceAll(): void {
    const { parts } = this.#done;
    this.#digests?.forgetAll();
    this.#done = { consoles: new Map(), pieces: new Map(), parts };
  }

  /**
   * Copies the pieces that changed since the last call, large ones in part. The guest may run
   * between two steps; the next collection copies what it changes in between.
   * @yields bytes copied, after each piece or part
   */
  *collectPieces(): Generator<number> {
    for (const name of this.#place.pieces.names()) {
      const set = this.#place.pieces.of(name);
      const stream = piecePrefix + name;
      const since = this.#done.pieces.get(name) ?? 0;
      // Listing changes walks over all pieces that ever changed.
      const changed = set.generation === since ? [] : set.changedSince(since);
      this.#done.pieces.set(name, set.generation);
      for (const index of changed) {
        const parts = partsOf(name, index);
        const bytes = set.get(index);
        if (bytes && bytes.length > wholeBytes && this.#digests) {
          yield* this.#collectParts(parts, bytes, this.#digests);
        } else {
          if (this.#done.parts.delete(parts)) this.#forgetParts(parts);
          yield this.#putOrDrop(stream, index, bytes);
        }
      }
      for (const index of this.#takeForced(stream)) {
        const isInParts = this.#done.parts.has(partsOf(name, index));
        yield this.#putOrDrop(stream, index, isInParts ? undefined : set.get(index));
      }
    }
    yield* this.#takeForcedParts();
  }

  /** Copies only the changed parts of a large piece. */
  *#collectParts(parts: string, bytes: Uint8Array, digests: PartDigests): Generator<number> {
    const stream = piecePrefix + parts;
    const whole = pieceOf(stream);
    // The piece was smaller before and was stored whole.
    if (whole && !this.#done.parts.has(parts))
      this.#putOrDrop(whole.stream, whole.index, undefined);
    this.#done.parts.set(parts, bytes.length);
    for (const part of digests.changed(parts, bytes))
      yield this.#put(stream, part, partAt(bytes, part).slice());
    const count = partCount(bytes.length);
    this.#segments.keepBlobs(stream, 0, count);
    for (const part of this.#waiting.get(stream)?.keys() ?? [])
      if (part >= count) this.#drop(stream, part);
  }

  #forgetParts(parts: string): void {
    this.#digests?.forget(parts);
    this.#segments.keepBlobs(piecePrefix + parts, 0, 0);
    for (const part of this.#waiting.get(piecePrefix + parts)?.keys() ?? [])
      this.#drop(piecePrefix + parts, part);
  }

  *#takeForcedParts(): Generator<number> {
    for (const stream of [...this.#forced.keys()]) {
      const piece = pieceOf(stream);
      if (!piece) continue;
      const forced = this.#takeForced(stream);
      const name = piece.stream.slice(piecePrefix.length);
      const isInParts = this.#done.parts.has(partsOf(name, piece.index));
      const bytes = isInParts ? this.#place.pieces.of(name).get(piece.index) : undefined;
      if (!bytes) continue;
      for (const part of forced)
        if (part < partCount(bytes.length))
          yield this.#put(stream, part, partAt(bytes, part).slice());
    }
  }

  /** @returns bytes copied */
  #putOrDrop(stream: string, index: number, bytes: Uint8Array | undefined): number {
    if (bytes || this.#segments.ownsBlob({ stream, index }))
      return this.#put(stream, index, bytes?.slice());
    this.#drop(stream, index);
    return 0;
  }

  /** Copies the console output since the last call. @returns bytes copied. */
  collectConsoles(): number {
    let copied = 0;
    for (const [name, scrollback] of this.#place.consoles.scrollbacks()) {
      const stream = consolePrefix + name;
      const { start, end } = scrollback;
      const from = Math.max(start, this.#done.consoles.get(name) ?? 0);
      const chunks = this.#takeForced(stream);
      if (from < end)
        for (let chunk = chunkOf(from); chunk * consoleChunkBytes < end; chunk++) chunks.add(chunk);
      for (const chunk of chunks) {
        if ((chunk + 1) * consoleChunkBytes > start)
          copied += this.#put(stream, chunk, readChunk(scrollback, chunk));
      }
      this.#done.consoles.set(name, end);
      this.#segments.keepBlobs(stream, chunkOf(start), Number.POSITIVE_INFINITY);
    }
    return copied;
  }

  /** Empties the batch. */
  take(): Piece[] {
    const blobs: Piece[] = [];
    for (const [stream, waiting] of this.#waiting)
      for (const [index, bytes] of waiting) blobs.push({ stream, index, bytes });
    this.#clear();
    return blobs;
  }

  #put(stream: string, index: number, bytes: Uint8Array | undefined): number {
    let waiting = this.#waiting.get(stream);
    if (!waiting) {
      waiting = new Map();
      this.#waiting.set(stream, waiting);
    }
    this.#waitingBytes += (bytes?.length ?? 0) - (waiting.get(index)?.length ?? 0);
    waiting.set(index, bytes);
    return bytes?.length ?? 0;
  }

  #drop(stream: string, index: number): void {
    const waiting = this.#waiting.get(stream);
    this.#waitingBytes -= waiting?.get(index)?.length ?? 0;
    waiting?.delete(index);
  }

  #clear(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  #takeForced(stream: string): Set<number> {
    const forced = this.#forced.get(stream);
    this.#forced.delete(stream);
    return forced ?? new Set();
  }
}

const chunkOf = (offset: number) => Math.floor(offset / consoleChunkBytes);

/** Returns the present part of a chunk. Bytes that have left the ring are zero. */
function readChunk(scrollback: Scrollback, chunk: number): Uint8Array {
  const start = chunk * consoleChunkBytes;
  const out = new Uint8Array(Math.min(consoleChunkBytes, scrollback.end - start));
  for (const { offset, bytes } of scrollback.chunks(start, consoleChunkBytes)) {
    if (offset >= start + out.length) break;
    out.set(bytes.subarray(0, start + out.length - offset), offset - start);
  }
  return out;
}

/** Gathers the blobs of a cut, the newest of each first, and restores them to the machine. */
export class BlobRestore {
  readonly #streams = new Map<string, Map<number, Uint8Array | undefined>>();

  /**
   * @param owned true if nothing else holds or changes the bytes: they are not copied
   * @returns true if this blob is the first, so the newest, of its kind.
   */
  add({ stream, index, bytes }: Piece, { owned = false } = {}): boolean {
    let found = this.#streams.get(stream);
    if (!found) {
      found = new Map();
      this.#streams.set(stream, found);
    }
    if (found.has(index)) return false;
    found.set(index, owned ? bytes : bytes?.slice());
    return true;
  }

  /** Takes over all blobs of a stream. Nothing else may hold the list or change the bytes. */
  adopt(stream: string, blobs: Map<number, Uint8Array | undefined>): void {
    this.#streams.set(stream, blobs);
  }

  /** @throws HoldfastError `storage-damaged` when a part of a large piece is missing */
  restore(
    { consoles, pieces }: Pick<RestoreTarget, 'consoles' | 'pieces'>,
    state: StoredBlobs,
  ): void {
    const scrollbacks = Object.entries(state.consoles).map(([name, end]) => {
      const chunks = this.#streams.get(consolePrefix + name) ?? new Map();
      return { name, end, bytes: lastBytes(chunks, end) };
    });
    consoles.restore(scrollbacks);
    for (const [name, generation] of Object.entries(state.pieces)) {
      const found = this.#streams.get(piecePrefix + name) ?? new Map();
      const joined = this.#joined(name, state.parts);
      pieces.of(name).restore(present(found, joined), generation);
    }
  }

  /** Joins the large pieces of one name. */
  #joined(name: string, lengths: PieceLengths = {}): Map<number, Uint8Array> {
    const joined = new Map<number, Uint8Array>();
    for (const [parts, length] of Object.entries(lengths)) {
      const piece = pieceOf(parts);
      if (piece?.stream !== name) continue;
      const stream = piecePrefix + parts;
      joined.set(piece.index, joinParts(parts, length, this.#streams.get(stream)));
      // A share of some hundred MiB must not be in memory twice.
      this.#streams.delete(stream);
    }
    return joined;
  }
}

/** Yields entries one by one: another list of a hundred thousand pieces takes some MiB. */
function* present(
  found: ReadonlyMap<number, Uint8Array | undefined>,
  joined: ReadonlyMap<number, Uint8Array>,
): Generator<[index: number, bytes: Uint8Array]> {
  for (const entry of found) if (isThere(entry)) yield entry;
  yield* joined;
}

const isThere = (
  entry: [index: number, bytes: Uint8Array | undefined],
): entry is [number, Uint8Array] => entry[1] !== undefined;

function lastBytes(chunks: Map<number, Uint8Array | undefined>, end: number): Uint8Array {
  let first = chunkOf(end - 1);
  while (first > 0 && chunks.has(first - 1)) first--;
  const start = Math.max(0, first * consoleChunkBytes);
  const out = new Uint8Array(end - start);
  for (const [chunk, bytes] of chunks) {
    const at = chunk * consoleChunkBytes - start;
    if (bytes && at >= 0) out.set(bytes, at);
  }
  return out;
}
