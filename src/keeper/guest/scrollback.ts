/** A piece of console output. `offset`: bytes of this console before it, since the machine began. */
interface ScrollbackChunk {
  offset: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The last bytes of a console, for pages that attach later. A ring that grows up to its capacity.
 */
export class Scrollback {
  readonly #capacity: number;
  #ring: Uint8Array<ArrayBuffer>;
  /** Bytes since the machine began; the next byte's offset. */
  #end = 0;

  constructor(capacityBytes = 1024 * 1024) {
    this.#capacity = capacityBytes;
    this.#ring = new Uint8Array(Math.min(capacityBytes, 16 * 1024));
  }

  /**
   * Restores a scrollback whose total length is `end` and whose tail is `bytes`: the last bytes up
   * to the capacity.
   */
  static of(end: number, bytes: Uint8Array): Scrollback {
    const scrollback = new Scrollback();
    scrollback.#grow(end);
    scrollback.#end = end - bytes.length;
    scrollback.append(bytes);
    return scrollback;
  }

  get end(): number {
    return this.#end;
  }

  /** Offset of the oldest byte in the scrollback. */
  get start(): number {
    return Math.max(0, this.#end - this.#capacity);
  }

  /** Copies `bytes`. */
  append(bytes: Uint8Array): void {
    this.#grow(this.#end + bytes.length);
    const size = this.#ring.length;
    const kept = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    const at = (this.#end + bytes.length - kept.length) % size;
    const beforeWrap = Math.min(kept.length, size - at);
    this.#ring.set(kept.subarray(0, beforeWrap), at);
    this.#ring.set(kept.subarray(beforeWrap), 0);
    this.#end += bytes.length;
  }

  /** Yields the contents from offset `from` on, oldest first, in copies of at most `maxBytes`. */
  *chunks(from = 0, maxBytes = 64 * 1024): Generator<ScrollbackChunk> {
    const size = this.#ring.length;
    for (let offset = Math.max(from, this.start); offset < this.#end; ) {
      const at = offset % size;
      const length = Math.min(maxBytes, this.#end - offset, size - at);
      yield { offset, bytes: this.#ring.slice(at, at + length) };
      offset += length;
    }
  }

  /**
   * Grows the ring. Until it has its full size it never wraps, so its contents are at their
   * offsets.
   */
  #grow(neededBytes: number): void {
    if (neededBytes <= this.#ring.length || this.#ring.length === this.#capacity) return;
    let size = this.#ring.length;
    while (size < neededBytes && size < this.#capacity) size *= 2;
    const larger = new Uint8Array(Math.min(size, this.#capacity));
    larger.set(this.#ring.subarray(0, this.#end));
    this.#ring = larger;
  }
}
