/** Records that are put at once, and some of another length. */
const mostSpare = 20;
const mostSpareBytes = 12 * 1024 * 1024;

/**
 * Reuses the memory of committed records. The browser must find and clear pages for fresh memory,
 * which costs several times the copies into it.
 */
export class RecordBuffers {
  #spare: Uint8Array[] = [];

  /**
   * Returns memory of exactly this length, as a structured clone needs it. Overwrite its old
   * contents.
   */
  readonly take = (length: number): Uint8Array => {
    const found = this.#spare.findIndex(({ byteLength }) => byteLength === length);
    const [spare] = found === -1 ? [] : this.#spare.splice(found, 1);
    return spare ?? new Uint8Array(length);
  };

  /** Takes a buffer back. Call it when nothing reads the buffer any more. */
  give(bytes: Uint8Array): void {
    // The newest buffer first: the length of the others may never be needed again.
    let room = mostSpareBytes;
    this.#spare = [bytes, ...this.#spare].slice(0, mostSpare).filter(({ byteLength }) => {
      room -= byteLength;
      return room >= 0;
    });
  }
}
