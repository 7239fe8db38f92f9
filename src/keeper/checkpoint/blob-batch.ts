/** Copies of pieces and of console output that wait to be written. */
import type { Scrollback } from '../scrollback.ts';
import type { CutPlace } from './cut.ts';
import type { Blob } from './record.ts';
import type { BlobKey, Segments } from './segments.ts';

/** Console output is stored by chunk: the last one again whenever it has grown. */
export const consoleChunkBytes = 4096;
export const consolePrefix = 'console.';
export const piecePrefix = 'pieces.';

/** What had been put into the batch when a checkpoint began, to fall back to. */
interface Progress {
  consoles: Map<string, number>;
  pieces: Map<string, number>;
}

export class BlobBatch {
  readonly #place: Pick<CutPlace, 'consoles' | 'pieces'>;
  readonly #segments: Segments;
  readonly #waiting = new Map<string, Map<number, Uint8Array | undefined>>();
  /** To be written although they have not changed. */
  readonly #forced = new Map<string, Set<number>>();
  /** Up to where each console was put into a batch, and each set of pieces. */
  #done: Progress;

  constructor(
    place: Pick<CutPlace, 'consoles' | 'pieces'>,
    segments: Segments,
    done?: { consoles: Record<string, number>; pieces: Record<string, number> },
  ) {
    this.#place = place;
    this.#segments = segments;
    this.#done = {
      consoles: new Map(Object.entries(done?.consoles ?? {})),
      pieces: new Map(Object.entries(done?.pieces ?? {})),
    };
  }

  get consoles(): Record<string, number> {
    return Object.fromEntries(this.#done.consoles);
  }

  get pieces(): Record<string, number> {
    return Object.fromEntries(this.#done.pieces);
  }

  /** For {@link resetTo}. */
  progress(): Progress {
    return { consoles: new Map(this.#done.consoles), pieces: new Map(this.#done.pieces) };
  }

  /** Gives up what was collected since. Everything else that has to be written again is forced. */
  resetTo(progress: Progress): void {
    this.#waiting.clear();
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
    this.#done = { consoles: new Map(), pieces: new Map() };
  }

  /** Copies the pieces that changed since the last time. @returns bytes copied. */
  collectPieces(): number {
    let copied = 0;
    for (const name of this.#place.pieces.names()) {
      const set = this.#place.pieces.of(name);
      const stream = piecePrefix + name;
      const take = (index: number) => {
        const bytes = set.get(index);
        if (!bytes && !this.#segments.ownsBlob({ stream, index })) this.#drop(stream, index);
        else copied += this.#put(stream, index, bytes?.slice());
      };
      for (const index of set.changedSince(this.#done.pieces.get(name) ?? 0)) take(index);
      this.#done.pieces.set(name, set.generation);
      for (const index of this.#takeForced(stream)) take(index);
    }
    return copied;
  }

  /** Copies what the consoles said since the last time. @returns bytes copied. */
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
      this.#segments.dropBlobs(stream, chunkOf(start));
    }
    return copied;
  }

  /** Empties the batch. */
  take(): Blob[] {
    const blobs: Blob[] = [];
    for (const [stream, waiting] of this.#waiting)
      for (const [index, bytes] of waiting) blobs.push({ stream, index, bytes });
    this.#waiting.clear();
    return blobs;
  }

  #put(stream: string, index: number, bytes: Uint8Array | undefined): number {
    let waiting = this.#waiting.get(stream);
    if (!waiting) {
      waiting = new Map();
      this.#waiting.set(stream, waiting);
    }
    waiting.set(index, bytes);
    return bytes?.length ?? 0;
  }

  #drop(stream: string, index: number): void {
    this.#waiting.get(stream)?.delete(index);
  }

  #takeForced(stream: string): Set<number> {
    const forced = this.#forced.get(stream);
    this.#forced.delete(stream);
    return forced ?? new Set();
  }
}

const chunkOf = (offset: number) => Math.floor(offset / consoleChunkBytes);

/** A chunk as far as it has come; what has left the ring already is zero. */
function readChunk(scrollback: Scrollback, chunk: number): Uint8Array {
  const start = chunk * consoleChunkBytes;
  const out = new Uint8Array(Math.min(consoleChunkBytes, scrollback.end - start));
  for (const { offset, bytes } of scrollback.chunks(start, consoleChunkBytes)) {
    if (offset >= start + out.length) break;
    out.set(bytes.subarray(0, start + out.length - offset), offset - start);
  }
  return out;
}

/** Gathers the blobs of a cut, the newest of each first, and gives them back to the machine. */
export class BlobRestore {
  readonly #streams = new Map<string, Map<number, Uint8Array | undefined>>();

  /**
   * @param owned nobody else has or will change the bytes: they are not copied
   * @returns whether this is the first, so the newest, of its kind.
   */
  add({ stream, index, bytes }: Blob, { owned = false } = {}): boolean {
    let found = this.#streams.get(stream);
    if (!found) {
      found = new Map();
      this.#streams.set(stream, found);
    }
    if (found.has(index)) return false;
    found.set(index, owned ? bytes : bytes?.slice());
    return true;
  }

  restore(
    { consoles, pieces }: Pick<CutPlace, 'consoles' | 'pieces'>,
    state: { consoles: Record<string, number>; pieces: Record<string, number> },
  ): void {
    const said = Object.entries(state.consoles).map(([name, end]) => {
      const chunks = this.#streams.get(consolePrefix + name) ?? new Map();
      return { name, end, bytes: lastBytes(chunks, end) };
    });
    consoles.restore(said);
    for (const [name, generation] of Object.entries(state.pieces)) {
      const found = this.#streams.get(piecePrefix + name) ?? new Map();
      const there = [...found].filter(
        (entry): entry is [number, Uint8Array] => entry[1] !== undefined,
      );
      pieces.of(name).restore(there, generation);
    }
  }
}

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
