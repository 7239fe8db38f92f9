import type { DiskBase } from './disk-base.ts';

/**
 * Size of one fetch. Smaller ones cost round trips, larger ones fetch bytes that are never read.
 */
export const chunkBytes = 64 * 1024;
/** The longest run of chunks in one fetch. */
const runChunks = 16;
/**
 * Number of cached chunks: 64 MiB. The guest has its own page cache; this one serves what it
 * evicts.
 */
const cacheChunks = 1024;

/**
 * Chunks that were read, by number, least recently used first. Plain data, so that the next runtime
 * reads from the same cache.
 */
export interface ChunkCache {
  readonly chunks: Map<number, Uint8Array>;
  hits: number;
  misses: number;
}

export const newChunkCache = (): ChunkCache => ({ chunks: new Map(), hits: 0, misses: 0 });

/** Fetches all bytes `start .. start + length`, or throws as {@link DiskBase.read}. */
type FetchBytes = (start: number, length: number, signal?: AbortSignal) => Promise<Uint8Array>;

/** An external base that is read in chunks, never as a whole. */
export class ChunkedBase implements DiskBase {
  readonly sizeBytes: number;
  readonly #cache: ChunkCache;
  readonly #fetch: FetchBytes;

  constructor(sizeBytes: number, cache: ChunkCache, fetch: FetchBytes) {
    this.sizeBytes = sizeBytes;
    this.#cache = cache;
    this.#fetch = fetch;
  }

  readNow(start: number, length: number): Uint8Array | undefined {
    const { chunks } = this.#cache;
    const { first, end } = chunksOf(start, length);
    for (let index = first; index < end; index++) if (!chunks.has(index)) return undefined;
    this.#cache.hits += end - first;
    const only = end - first === 1 ? this.#use(first) : undefined;
    if (only) return only.subarray(start % chunkBytes, (start % chunkBytes) + length);
    const bytes = new Uint8Array(length);
    for (let index = first; index < end; index++) {
      const chunk = this.#use(index);
      if (chunk) copyChunk(index, chunk, start, bytes);
    }
    return bytes;
  }

  async read(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    const { first, end } = chunksOf(start, length);
    for (let index = first; index < end; ) {
      const cached = this.#use(index);
      if (cached) {
        this.#cache.hits++;
        copyChunk(index++, cached, start, bytes);
        continue;
      }
      let run = 1;
      while (index + run < end && run < runChunks && !this.#cache.chunks.has(index + run)) run++;
      const from = index * chunkBytes;
      const to = Math.min(from + run * chunkBytes, this.sizeBytes);
      const fetched = await this.#fetch(from, to - from, signal);
      this.#cache.misses += run;
      for (let i = 0; i < run; i++) {
        // A copy of each: a view would retain the whole run in memory.
        const chunk = fetched.slice(i * chunkBytes, (i + 1) * chunkBytes);
        this.#keep(index + i, chunk);
        copyChunk(index + i, chunk, start, bytes);
      }
      index += run;
    }
    return bytes;
  }

  #use(index: number): Uint8Array | undefined {
    const chunk = this.#cache.chunks.get(index);
    if (chunk) this.#keep(index, chunk);
    return chunk;
  }

  #keep(index: number, chunk: Uint8Array): void {
    const { chunks } = this.#cache;
    chunks.delete(index);
    chunks.set(index, chunk);
    if (chunks.size <= cacheChunks) return;
    const { value } = chunks.keys().next();
    if (value !== undefined) chunks.delete(value);
  }
}

function chunksOf(start: number, length: number): { first: number; end: number } {
  return { first: Math.floor(start / chunkBytes), end: Math.ceil((start + length) / chunkBytes) };
}

/** Copies the part of `chunk` that lies in the range of `target`, which begins at `start`. */
function copyChunk(index: number, chunk: Uint8Array, start: number, target: Uint8Array): void {
  const at = index * chunkBytes - start;
  const from = Math.max(0, -at);
  const part = chunk.subarray(from, Math.max(from, target.length - at));
  target.set(part, Math.max(0, at));
}
