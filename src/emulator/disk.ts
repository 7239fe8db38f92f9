/** A block device over bytes that the keeper holds, so that writes outlive the runtime. */
export class KeptDisk implements V86Disk {
  onload: ((event: object) => void) | undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  load(): void {
    this.onload?.({});
  }

  get(start: number, length: number, done: (bytes: Uint8Array) => void): void {
    done(this.#bytes.subarray(start, start + length));
  }

  /** v86 reads a disk's first sector through this one. */
  get_and_cache(start: number, length: number, done: (bytes: Uint8Array) => void): void {
    this.get(start, length, done);
  }

  set(start: number, bytes: Uint8Array, done: () => void): void {
    this.#bytes.set(bytes, start);
    done();
  }

  get_buffer(done: (buffer: ArrayBuffer | undefined) => void): void {
    done(this.#bytes.buffer as ArrayBuffer);
  }

  /** Contents stay in the keeper; they are no part of the device state. */
  get_state(): unknown[] {
    return [];
  }

  set_state(): void {}
}
