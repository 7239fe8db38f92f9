/** What a machine's consoles said, as far as this page knows, and who waits for more of it. */

/** Of each console the last so many bytes are kept, as in the keeper. */
const keptBytes = 1024 * 1024;

interface Log {
  /** Bytes since the machine began, before the first one that is kept. */
  start: number;
  chunks: Uint8Array[];
  end: number;
  readonly waiting: Set<() => void>;
}

export interface LoggedOutput {
  /** Of the first of `bytes`, which is later than was asked for where that is forgotten. */
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
    if (bytes.length > 0) log.chunks.push(bytes);
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
      log = { start: 0, chunks: [], end: 0, waiting: new Set() };
      this.#logs.set(console, log);
    }
    return log;
  }
}
