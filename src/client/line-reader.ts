/** Splits guest output into lines. Each byte is read and copied a fixed number of times. */

/** Longest line. The rest of a longer one, up to its end, is dropped. */
const lineLimit = 64 * 1024;

export interface Line {
  /** As Latin-1, without CR and LF. */
  text: string;
  isCut: boolean;
}

export class LineReader {
  readonly #decoder = new TextDecoder('latin1');
  #chunks: string[] = [];
  #length = 0;

  /** @returns the lines that end in `bytes` */
  add(bytes: Uint8Array): Line[] {
    const ended: Line[] = [];
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      this.#take(bytes.subarray(from, end));
      const text = this.#chunks.join('').trimEnd();
      ended.push({ text, isCut: this.#length > lineLimit });
      this.forget();
      from = end + 1;
    }
    this.#take(bytes.subarray(from));
    return ended;
  }

  /** Drops the part of a line that was received. */
  forget(): void {
    this.#chunks = [];
    this.#length = 0;
  }

  #take(bytes: Uint8Array): void {
    const room = lineLimit - this.#length;
    // Keeps counting, so that the end of a cut line is recognised.
    this.#length += bytes.length;
    if (room > 0 && bytes.length > 0)
      this.#chunks.push(this.#decoder.decode(bytes.subarray(0, room)));
  }
}
