/** Joins the many small parts of a file into chunks: each chunk costs its receiver a message and an answer. */

const chunkBytes = 1 << 20;

type Write = (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

export class ChunkedWrites {
  readonly #write: Write;
  #chunk = new Uint8Array(chunkBytes);
  #length = 0;

  constructor(write: Write) {
    this.#write = write;
  }

  readonly add: Write = async (bytes) => {
    if (this.#length + bytes.length > chunkBytes) await this.flush();
    if (bytes.length >= chunkBytes) return this.#write(bytes);
    this.#chunk.set(bytes, this.#length);
    this.#length += bytes.length;
  };

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const chunk = this.#chunk.slice(0, this.#length);
    this.#length = 0;
    await this.#write(chunk);
  }
}
