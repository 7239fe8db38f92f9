/** The output of a machine's consoles as far as this page knows it, and the readers that wait. */

/** Bytes kept of each console: the last ones, as in the keeper. */
const keptBytes = 1024 * 1024;
/** An array of its own for each byte takes a hundred times that. */
const sharedBytes = 16 * 1024;

interface Log {
  /** Bytes since the machine began, before the first one that is kept. */
  start: number;
  chunks: Uint8Array[];
  /** Where small pieces are put one behind the other, and how far it is used. */
  shared: { bytes: Uint8Array; used: number };
  end: number;
  readonly waiting: Set<() => void>;
}

interface LoggedOutput {
  /** Offset of the first of `bytes`: later than requested where older output was dropped. */
  offset: number;
  bytes: Uint8Array;
}

export class ConsoleLog {
  readonly #logs = new Map<string, Log>();

  /**
   * Output as the keeper numbers it. What begins anew, or again further back, takes the place of what
   * was there: another machine, or the guest of a snapshot.
   */
  push(console: string, offset: number, bytes: Uint8Array): void {
    const log = this.#log(console);
    if (offset > log.end || offset < log.start) this.#cutTo(log, offset, true);
    else if (offset < log.end) this.#cutTo(log, offset, false);
    if (bytes.length > 0) append(log, bytes);
    log.end = offset + bytes.length;
    while (log.end - log.start - (log.chunks[0]?.length ?? 0) >= keptBytes)
      log.start += log.chunks.shift()?.length ?? 0;
    for (const wake of [...log.waiting]) wake();
  }

  /** Where the next byte of a console will be. */
  end(console: string): number {
    return this.#log(console).end;
  }

  read(console: string, from = 0): LoggedOutput {
    const log = this.#log(console);
    const offset = Math.min(Math.max(from, log.start), log.end);
    const bytes = new Uint8Array(log.end - offset);
    let at = log.start;
    for (const chunk of log.chunks) {
      const skip = Math.max(0, offset - at);
      if (skip < chunk.length) bytes.set(chunk.subarray(skip), at + skip - offset);
      at += chunk.length;
    }
    return { offset, bytes };
  }

  /** Calls back after each new output. @returns what ends that */
  follow(console: string, listener: () => void): () => void {
    const { waiting } = this.#log(console);
    waiting.add(listener);
    return () => waiting.delete(listener);
  }

  #cutTo(log: Log, offset: number, everything: boolean): void {
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
  }

  #log(console: string): Log {
    let log = this.#logs.get(console);
    if (!log) {
      log = { start: 0, chunks: [], shared: nothingShared(), end: 0, waiting: new Set() };
      this.#logs.set(console, log);
    }
    return log;
  }
}

const nothingShared = () => ({ bytes: new Uint8Array(0), used: 0 });

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
