/**
 * The output of a machine's consoles as far as this page knows it. Only the log puts output in order
 * by its offsets: terminals and searches read from it.
 */

/** Bytes kept of each console: the last ones, as in the keeper. */
const keptBytes = 1024 * 1024;
/** Size of a shared buffer. A separate array for each byte takes a hundred times that byte. */
const sharedBytes = 16 * 1024;

interface Follower {
  /** Called after each new output. */
  grew(): void;
  /** Called before output takes the place of all that was there from `offset` on. */
  cut?(offset: number): void;
}

interface Log {
  /** Bytes between the start of the machine and the first one that is kept. */
  start: number;
  chunks: Uint8Array[];
  /** Buffer that small chunks are appended to, and its used length. */
  shared: { bytes: Uint8Array; used: number };
  end: number;
  /** Output before this offset was shown before this page, or this keeper, was there. */
  againEnd: number;
  readonly followers: Set<Follower>;
}

/** Output of a console. */
export interface ConsoleChunk {
  /** Offset of the first of `bytes`, counted since the machine began. */
  offset: number;
  bytes: Uint8Array;
  /** The output was shown before this page, or this keeper, was there. What it asks of a terminal was answered. */
  again: boolean;
}

export class ConsoleLog {
  readonly #logs = new Map<string, Log>();

  /**
   * Adds output at the keeper's offset. Output that starts at 0 again, or further back, replaces
   * the old output: it belongs to another machine, or to the guest of a snapshot.
   */
  push(console: string, offset: number, bytes: Uint8Array, again = false): void {
    const log = this.#log(console);
    if (offset > log.end || offset < log.start) cut(log, offset, true);
    else if (offset < log.end) cut(log, offset, false);
    if (bytes.length > 0) append(log, bytes);
    log.end = offset + bytes.length;
    if (again) log.againEnd = log.end;
    while (log.end - log.start - (log.chunks[0]?.length ?? 0) >= keptBytes)
      log.start += log.chunks.shift()?.length ?? 0;
    for (const { grew } of [...log.followers]) grew();
  }

  /** Where the first byte is that is kept. */
  start(console: string): number {
    return this.#log(console).start;
  }

  /** Returns the offset of the next byte of a console. */
  end(console: string): number {
    return this.#log(console).end;
  }

  /** Returns the offset of the next byte of each console. */
  ends(): Record<string, number> {
    return Object.fromEntries([...this.#logs].map(([name, { end }]) => [name, end]));
  }

  /**
   * Output from `from` on. It begins later where that is forgotten, and ends before `maxBytes` where
   * {@link ConsoleChunk.again} changes.
   */
  chunk(console: string, from = 0, maxBytes = Number.POSITIVE_INFINITY): ConsoleChunk {
    const log = this.#log(console);
    const offset = Math.min(Math.max(from, log.start), log.end);
    const again = offset < log.againEnd;
    const end = Math.min(log.end, offset + maxBytes, again ? log.againEnd : log.end);
    return { offset, bytes: copy(log, offset, end), again };
  }

  /** Output from `from` to `to`, as far as it is kept. */
  *chunks(console: string, from: number, to: number): Generator<ConsoleChunk> {
    for (let at = Math.max(from, this.start(console)); at < to; ) {
      const chunk = this.chunk(console, at, to - at);
      if (chunk.bytes.length === 0) return;
      yield chunk;
      at = chunk.offset + chunk.bytes.length;
    }
  }

  /** All output from `from` on, or from the first byte that is kept. */
  read(console: string, from = 0): Pick<ConsoleChunk, 'offset' | 'bytes'> {
    const log = this.#log(console);
    const offset = Math.min(Math.max(from, log.start), log.end);
    return { offset, bytes: copy(log, offset, log.end) };
  }

  /** @returns a function that stops the calls */
  follow(console: string, follower: Follower): () => void {
    const { followers } = this.#log(console);
    followers.add(follower);
    return () => followers.delete(follower);
  }

  #log(console: string): Log {
    let log = this.#logs.get(console);
    if (!log) {
      const [chunks, shared, followers] = [[], nothingShared(), new Set<Follower>()];
      log = { start: 0, chunks, shared, end: 0, againEnd: 0, followers };
      this.#logs.set(console, log);
    }
    return log;
  }
}

const nothingShared = () => ({ bytes: new Uint8Array(0), used: 0 });

function cut(log: Log, offset: number, everything: boolean): void {
  for (const follower of [...log.followers]) follower.cut?.(offset);
  if (everything) {
    log.chunks = [];
    log.start = offset;
  } else {
    let left = offset - log.start;
    const kept: Uint8Array[] = [];
    for (const chunk of log.chunks) {
      if (left <= 0) break;
      kept.push(chunk.subarray(0, left));
      left -= chunk.length;
    }
    log.chunks = kept;
  }
  log.end = offset;
  log.againEnd = Math.min(log.againEnd, offset);
}

/** Looks at no more chunks than it copies from: they are asked for at the end as a rule. */
function copy(log: Log, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(to - from);
  let end = log.end;
  for (let index = log.chunks.length - 1; index >= 0 && end > from; index--) {
    const chunk = log.chunks[index] as Uint8Array;
    const start = end - chunk.length;
    if (start < to) {
      const part = chunk.subarray(Math.max(0, from - start), Math.min(chunk.length, to - start));
      bytes.set(part, Math.max(start, from) - from);
    }
    end = start;
  }
  return bytes;
}

function append(log: Log, bytes: Uint8Array): void {
  if (bytes.length > sharedBytes / 4) {
    log.chunks.push(bytes);
    return;
  }
  let { shared } = log;
  if (shared.used + bytes.length > shared.bytes.length) {
    shared = { bytes: new Uint8Array(sharedBytes), used: 0 };
    log.shared = shared;
  }
  shared.bytes.set(bytes, shared.used);
  const last = log.chunks.at(-1);
  const isBehind =
    last?.buffer === shared.bytes.buffer && last.byteOffset + last.length === shared.used;
  const from = isBehind ? last.byteOffset : shared.used;
  shared.used += bytes.length;
  log.chunks.splice(isBehind ? -1 : log.chunks.length, 1, shared.bytes.subarray(from, shared.used));
}
