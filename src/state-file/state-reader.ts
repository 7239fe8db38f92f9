/** Reads a state file as it arrives: its head, then item by item. Holds one frame at a time. */
import { HoldfastError } from '../errors.ts';
import { blobsOf } from '../protocol/blobs-item.ts';
import { freeBuffer } from '../protocol/free-buffer.ts';
import type { BlobItem, BlobsItem, NoBlobItem } from '../protocol/state-transfer.ts';
import { badState } from './format/bad-state.ts';
import { readBlobs } from './format/blob-group.ts';
import type { Codec } from './format/codec.ts';
import { digestText } from './format/digest-text.ts';
import { type FileCheck, newFileCheck } from './format/file-check.ts';
import {
  checkHead,
  decodeFrame,
  decodeFrameHeader,
  decodePreamble,
  type FrameHeader,
  frameHeaderBytes,
  frameKind,
  preambleBytes,
  type StateFormat,
} from './format/frame.ts';
import { decodeCut, decodeHead, pageCountOf, type StateHead } from './format/head.ts';
import { decodePageGroup } from './format/page-group.ts';
import { stateLimits } from './format/state-limits.ts';
import { contentsOf, type MakeRoom, PartRoom, type StatePart } from './format/state-part.ts';
import { ByteSource } from './sources/byte-source.ts';

export type StateItem = Exclude<StatePart, BlobsItem> | BlobItem | NoBlobItem;

/** Size of the decompressed frames that are not freed yet. */
const mostSpentBytes = 2 << 20;

interface Beginning {
  format: StateFormat;
  preamble: Uint8Array;
  headBytes: Uint8Array<ArrayBuffer>;
}

export class StateReader {
  readonly head: StateHead;
  readonly headBytes: number;
  readonly pageCount: number;
  readonly #format: StateFormat;
  readonly #bytes: ByteSource;
  readonly #codec: Codec;
  readonly #check: FileCheck;
  readonly #spent: ArrayBufferLike[] = [];
  #spentBytes = 0;
  #digest: string | undefined;

  private constructor(beginning: Beginning, bytes: ByteSource, codec: Codec) {
    const { format, preamble, headBytes } = beginning;
    checkHead(preamble, headBytes, codec.digest);
    this.head = decodeHead(headBytes, codec.digest);
    this.headBytes = preamble.length + headBytes.length;
    this.pageCount = pageCountOf(this.head);
    this.#format = format;
    this.#bytes = bytes;
    this.#codec = codec;
    const { pageCount, head } = this;
    const hasBase = head.state.base !== undefined;
    this.#check = newFileCheck(format, { preamble, head: headBytes, pageCount, hasBase }, codec);
  }

  /** @throws HoldfastError `bad-state-file`, or errors of the source */
  static async open(
    source: AsyncIterable<Uint8Array>,
    codec: Codec,
    arrived?: (loadedBytes: number) => void,
  ): Promise<StateReader> {
    const bytes = new ByteSource(source, arrived);
    const preamble = await bytes.read(preambleBytes);
    const { format, headBytes: length } = decodePreamble(preamble);
    const headBytes = await bytes.read(length);
    return new StateReader({ format, preamble, headBytes }, bytes, codec);
  }

  /** `xxh64:…` of the whole file, known at its end. */
  get digest(): string {
    if (this.#digest === undefined)
      throw new HoldfastError('internal', 'The file is not read yet.');
    return this.#digest;
  }

  /** @throws HoldfastError `bad-state-file`, or errors of the source */
  async *items(): AsyncGenerator<StateItem> {
    for await (const part of this.parts()) {
      if (part.kind === 'blobs') yield* blobsOf(part);
      else yield part;
    }
  }

  /**
   * @param room called before a part that needs memory; may wait, and refuse
   * @throws HoldfastError `bad-state-file`, or errors of the source or of `room`
   */
  async *parts(room?: MakeRoom): AsyncGenerator<StatePart> {
    let cuts = 0;
    const taken = new PartRoom(room);
    let pagesLeft = stateLimits.pageRounds * this.pageCount;
    try {
      for (;;) {
        const headerBytes = await this.#bytes.read(frameHeaderBytes);
        const header = decodeFrameHeader(headerBytes, this.#format);
        if (header.kind === frameKind.end) {
          await this.#end(header);
          break;
        }
        for (const part of await this.#decode(header)) {
          if (part.kind === 'cut' && ++cuts > 1) throw badState('This state file has two cuts.');
          pagesLeft -= pagesOf(part);
          if (pagesLeft < 0) throw badState('This state file writes the same pages over and over.');
          await taken.take(part);
          yield part;
        }
      }
      if (cuts === 0) throw badState('This state file holds no device state.');
    } finally {
      await this.#bytes.close();
    }
  }

  /** Releases the source. */
  close(): Promise<void> {
    return this.#bytes.close();
  }

  async #decode(header: FrameHeader): Promise<Iterable<StatePart>> {
    const stored = await this.#bytes.read(header.storedBytes);
    const raw = decodeFrame(header, stored, this.#codec);
    this.#check.frame(header, stored, raw);
    if (raw !== stored) this.#spend(stored);
    switch (header.kind) {
      case frameKind.pages:
      case frameKind.hotPages: {
        const group = decodePageGroup(raw, this.pageCount, this.#format);
        this.#check.pages(group);
        return [group];
      }
      case frameKind.blobs:
        return [readBlobs(raw)];
      case frameKind.contents:
        return contentsOf(raw);
      case frameKind.cut:
        return [decodeCut(raw, this.#codec.digest)];
      case frameKind.index:
      case frameKind.end:
        return [];
    }
  }

  /** Frees bytes, some MiB at a time: each call takes as long as a small frame. */
  #spend({ buffer }: Uint8Array): void {
    this.#spent.push(buffer);
    this.#spentBytes += buffer.byteLength;
    if (this.#spentBytes < mostSpentBytes) return;
    freeBuffer(...this.#spent);
    this.#spent.length = 0;
    this.#spentBytes = 0;
  }

  /** [SF4] */
  async #end(header: FrameHeader): Promise<void> {
    const stored = await this.#bytes.read(header.storedBytes);
    const contents = decodeFrame(header, stored, this.#codec);
    const digest = this.#check.end(header, contents);
    await this.#bytes.requireEnd();
    this.#digest = digestText(digest);
  }
}

/** Returns the number of pages that a part writes. */
function pagesOf(part: StatePart): number {
  if (part.kind !== 'pages') return 0;
  const { numbers, uniform, xorNumbers, copies } = part;
  return numbers.length + xorNumbers.length + (uniform.length + copies.length) / 2;
}
