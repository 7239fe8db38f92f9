/** Bytes of a state file at any offset. */
import { HoldfastError } from '../../errors.ts';

export interface RangeSource {
  readonly sizeBytes: number;
  /**
   * @param begin within the file, like `end`
   * @throws HoldfastError `state-unavailable` if the file is gone or has changed
   */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file, or a Blob that the browser stores. */
export class BlobRanges implements RangeSource {
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  get sizeBytes(): number {
    return this.#blob.size;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(await this.#blob.slice(begin, end).arrayBuffer());
    } catch (cause) {
      // A file of the user's that was moved or changed.
      throw new HoldfastError('state-unavailable', 'The file cannot be read any more.', { cause });
    }
  }
}

export class BufferRanges implements RangeSource {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice(begin, end);
  }
}
