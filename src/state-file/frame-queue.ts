/** Frames on their way into a file: several are compressed at a time and written in order. */
import type { Codec } from './codec.ts';
import type { Compress } from './compression-workers.ts';
import { encodeFrameHeader, type FrameKind, frameKind, type Stored } from './frame.ts';

interface FrameQueueOptions {
  codec: Codec;
  compress: Compress;
  /** Number of frames to compress at a time: each is held in memory meanwhile. */
  parallel: number;
  /** Takes over the bytes. Resolves when there is room for more. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

export class FrameQueue {
  readonly #options: FrameQueueOptions;
  readonly #running: ReturnType<Codec['newDigest']>;
  /** The oldest first. */
  readonly #underWay: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  writtenBytes = 0;

  constructor(options: FrameQueueOptions) {
    this.#options = options;
    this.#running = options.codec.newDigest();
  }

  /** Writes bytes before the first frame. */
  plain(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#write(bytes);
  }

  /**
   * Adds a frame. Resolves when there is room for another one.
   * @param raw taken over by the queue
   * @throws the error of an earlier frame
   */
  async add(kind: FrameKind, raw: Uint8Array<ArrayBuffer>, level: number): Promise<void> {
    const compressing = this.#options.compress(raw, level);
    this.#last = Promise.all([compressing, this.#last]).then(([stored]) =>
      this.#frame(kind, stored),
    );
    // The next {@link add} or {@link end} throws the error.
    this.#last.catch(() => {});
    this.#underWay.push(this.#last);
    if (this.#underWay.length >= this.#options.parallel) await this.#underWay.shift();
  }

  /** @returns the digest of the file */
  async end(): Promise<bigint> {
    await this.#last;
    const digest = this.#running.digest();
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, digest, true);
    await this.#frame(frameKind.end, { bytes, rawBytes: bytes.length });
    return digest;
  }

  /** Writes in two parts: joining them would copy some MiB. */
  async #frame(kind: FrameKind, stored: Stored): Promise<void> {
    await this.#write(encodeFrameHeader(kind, stored, this.#options.codec.digest));
    await this.#write(stored.bytes);
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#running.update(bytes);
    this.writtenBytes += bytes.length;
    await this.#options.write(bytes);
  }
}
