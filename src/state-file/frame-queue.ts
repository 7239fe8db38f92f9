/** Frames on their way into a file: several are compressed at a time and written in order. */

import type { Compress } from './compression-workers.ts';
import type { Codec } from './format/codec.ts';
import { encodeEnd, fileDigest } from './format/end-frame.ts';
import {
  compressed,
  encodeFrameHeader,
  type FrameKind,
  frameKind,
  type Stored,
} from './format/frame.ts';
import { FrameHeaders } from './format/frame-headers.ts';
import type { PageSources } from './format/page-sources.ts';
import { encodeIndex } from './format/state-index.ts';

interface FrameQueueOptions {
  codec: Codec;
  compress: Compress;
  /** Number of frames to compress at a time: each is held in memory meanwhile. */
  parallel: number;
  /** Takes over the bytes. Resolves when there is room for more. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Level of zstd for the index, which is small. */
const indexLevel = 12;

export class FrameQueue {
  readonly #options: FrameQueueOptions;
  #preamble: Uint8Array = new Uint8Array();
  /** Headers of the frames that are written. */
  readonly #headers = new FrameHeaders();
  /** The oldest first. */
  readonly #underWay: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  #tailAt: number | undefined;
  /** Number of frames so far. The next frame gets this number. */
  count = 0;
  writtenBytes = 0;

  constructor(options: FrameQueueOptions) {
    this.#options = options;
  }

  /** Writes what is before the first frame. */
  async begin(preamble: Uint8Array<ArrayBuffer>, head: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#preamble = preamble.slice();
    await this.#write(preamble);
    await this.#write(head);
  }

  /**
   * Adds a frame. Resolves when there is room for another one.
   * @param raw taken over by the queue
   * @throws the error of an earlier frame
   */
  async add(kind: FrameKind, raw: Uint8Array<ArrayBuffer>, level: number): Promise<void> {
    this.count++;
    const compressing = this.#options.compress(raw, level);
    this.#last = Promise.all([compressing, this.#last]).then(async ([stored]) => {
      if (kind === frameKind.hotPages || kind === frameKind.cut) this.#tailAt ??= this.writtenBytes;
      this.#headers.add(await this.#frame(kind, stored));
    });
    // The next {@link add} or {@link end} throws the error.
    this.#last.catch(() => {});
    this.#underWay.push(this.#last);
    if (this.#underWay.length >= this.#options.parallel) await this.#underWay.shift();
  }

  /**
   * Writes index and end.
   * @param sources of the pages, as in the frames that were added
   * @returns the digest of the file
   */
  async end(sources: PageSources): Promise<bigint> {
    await this.#last;
    const { codec } = this.#options;
    const tailAt = this.#tailAt ?? this.writtenBytes;
    const indexAt = this.writtenBytes;
    const index = compressed(encodeIndex(this.#headers, sources), codec, indexLevel);
    const header = await this.#frame(frameKind.index, index);
    const digest = fileDigest(this.#preamble, header, codec.digest);
    const bytes = encodeEnd({ digest, tailAt, indexAt });
    await this.#frame(frameKind.end, { bytes, rawBytes: bytes.length });
    return digest;
  }

  /**
   * Writes in two parts: joining them would copy some MiB.
   * @returns the frame's header
   */
  async #frame(kind: FrameKind, stored: Stored): Promise<Uint8Array> {
    const header = encodeFrameHeader(kind, stored, this.#options.codec.digest);
    const kept = header.slice();
    await this.#write(header);
    await this.#write(stored.bytes);
    return kept;
  }

  /** Each caller waits for the one before. */
  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.writtenBytes += bytes.length;
    await this.#options.write(bytes);
  }
}
