interface Waiting {
  text: string;
  seen(atMs: number): void;
}

/** Records console output and when it was received. */
export class ConsoleReader {
  readonly #now: () => number;
  readonly #decoder = new TextDecoder('latin1');
  #waiting: Waiting[] = [];
  #tail = '';

  constructor(now: () => number) {
    this.#now = now;
  }

  push(bytes: Uint8Array): void {
    const atMs = this.#now();
    this.#tail += this.#decoder.decode(bytes);
    this.#waiting = this.#waiting.filter(({ text, seen }) => {
      if (!this.#tail.includes(text)) return true;
      seen(atMs);
      return false;
    });
    if (this.#tail.length > 4096) this.#tail = this.#tail.slice(-1024);
  }

  /** @returns when `text` was received, by the clock of this reader. */
  waitFor(text: string, timeoutMs: number): Promise<number> {
    if (this.#tail.includes(text)) return Promise.resolve(this.#now());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`"${text}" did not come within ${timeoutMs} ms: ${this.#tail}`)),
        timeoutMs,
      );
      const seen = (atMs: number) => {
        clearTimeout(timer);
        resolve(atMs);
      };
      this.#waiting.push({ text, seen });
    });
  }
}
