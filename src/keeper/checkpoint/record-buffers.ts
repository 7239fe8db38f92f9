/** Records that are put at once, and some of another length. */
const mostSpare = 8;
const mostSpareBytes = 12 * 1024 * 1024;

/**
 * Memory of records that are committed, for those that come next: fresh memory, which the browser has to
 * clear and find pages for, costs several times what is then copied into it.
 */
export class RecordBuffers {
  #spare: Uint8Array[] = [];

  /** Of exactly this length, which a structured clone needs; what is in it is to be overwritten. */
  readonly take = (length: number): Uint8Array => {
    const found = this.#spare.findIndex(({ byteLength }) => byteLength === length);
    const [spare] = found === -1 ? [] : this.#spare.splice(found, 1);
    return spare ?? new Uint8Array(length);
  };

  /** To be called once nobody reads it any more. */
  give(bytes: Uint8Array): void {
    // The newest first: the others may be of a length that never comes again.
    let room = mostSpareBytes;
    this.#spare = [bytes, ...this.#spare].slice(0, mostSpare).filter(({ byteLength }) => {
      room -= byteLength;
      return room >= 0;
    });
  }
}
