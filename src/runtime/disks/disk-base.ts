/** What a disk held before the guest wrote to it: read-only bytes from somewhere. */
export interface DiskBase {
  readonly sizeBytes: number;
  /**
   * Bytes that can be had without waiting; absent when they must be waited for. Not a copy: the
   * caller must not write to them. The range must lie within the base.
   */
  readNow(start: number, length: number): Uint8Array | undefined;
  /**
   * Waits through failures that may pass.
   * @throws HoldfastError `image-unavailable` when the bytes cannot be had any more; the reason of
   * `signal` when that aborts
   */
  read(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A base that is in memory as a whole. */
export class BytesBase implements DiskBase {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  readNow(start: number, length: number): Uint8Array {
    return this.#bytes.subarray(start, start + length);
  }

  async read(start: number, length: number): Promise<Uint8Array> {
    return this.readNow(start, length);
  }
}

/** A new disk: zeros that take no room. */
export class EmptyBase implements DiskBase {
  readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  readNow(_start: number, length: number): Uint8Array {
    return new Uint8Array(length);
  }

  async read(start: number, length: number): Promise<Uint8Array> {
    return this.readNow(start, length);
  }
}
