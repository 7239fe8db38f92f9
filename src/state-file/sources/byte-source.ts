/** The bytes of a state file as they arrive, in requested lengths. */
import { badState } from '../format/bad-state.ts';

export class ByteSource {
  readonly #bytes: AsyncIterator<Uint8Array>;
  readonly #arrived: (loadedBytes: number) => void;
  #chunk: Uint8Array = new Uint8Array();
  #loaded = 0;

  constructor(bytes: AsyncIterable<Uint8Array>, arrived: (loadedBytes: number) => void = () => {}) {
    this.#bytes = bytes[Symbol.asyncIterator]();
    this.#arrived = arrived;
  }

  /** @throws HoldfastError `bad-state-file` if there are fewer, or errors of the source */
  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      if (this.#chunk.length === 0 && !(await this.#next()))
        throw badState('This state file is cut off.');
      const part = this.#chunk.subarray(0, length - at);
      out.set(part, at);
      at += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    return out;
  }

  /** @throws HoldfastError `bad-state-file` */
  async requireEnd(): Promise<void> {
    while (this.#chunk.length === 0) if (!(await this.#next())) return;
    throw badState('This state file has bytes after its end.');
  }

  async close(): Promise<void> {
    await this.#bytes.return?.();
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#bytes.next();
    if (done) return false;
    this.#chunk = value;
    this.#loaded += value.length;
    this.#arrived(this.#loaded);
    return true;
  }
}
