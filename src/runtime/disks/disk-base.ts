/** Contents of a disk before the guest's writes: read-only bytes of any source. */
export interface DiskBase {
  readonly sizeBytes: number;
  /**
   * Returns bytes that are available at once; undefined if they must be awaited. They are not a
   * copy: the caller must not change them. The range must lie within the base.
   */
  readNow(start: number, length: number): Uint8Array | undefined;
  /**
   * Reads bytes, and retries after failures that may pass.
   * @throws HoldfastError `image-unavailable` if the bytes are not available any more; the reason
   * of `signal` when that aborts
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

/** A new disk: zeros without memory. */
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
