/** Frames on their way into a file: compressed several at a time, written in their order. */
import type { Codec } from './codec.ts';
import type { Compress } from './compression-workers.ts';
import { encodeFrameHeader, type FrameKind, frameKind, type Stored } from './frame.ts';

interface FrameQueueOptions {
  codec: Codec;
  compress: Compress;
  /** Frames to compress at a time: each is held in memory meanwhile. */
  parallel: number;
  /** Takes the bytes over. Resolves when there is room for more. */
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

  /** Of the file, before its first frame. */
  plain(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#write(bytes);
  }

  /**
   * Resolves when there is room for another one.
   * @param raw is the queue's from now on
   * @throws what an earlier one failed with
   */
  async add(kind: FrameKind, raw: Uint8Array<ArrayBuffer>, level: number): Promise<void> {
    const compressing = this.#options.compress(raw, level);
    this.#last = Promise.all([compressing, this.#last]).then(([stored]) =>
      this.#frame(kind, stored),
    );
    // Heard of by whoever adds the next one, or ends the file.
    this.#last.catch(() => {});
    this.#underWay.push(this.#last);
    if (this.#underWay.length >= this.#options.parallel) await this.#underWay.shift();
  }

  /** @returns digest of the file */
  async end(): Promise<bigint> {
    await this.#last;
    const digest = this.#running.digest();
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, digest, true);
    await this.#frame(frameKind.end, { bytes, rawBytes: bytes.length });
    return digest;
  }

  /** In two parts: joining them would take a copy of some MiB. */
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
