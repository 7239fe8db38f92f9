/** Reads a state file as it arrives: its head, then item by item. Holds one frame at a time. */
import { HoldfastError } from '../errors.ts';
import { blobsOf, entryNumbers, noBlob } from '../protocol/blobs-item.ts';
import { freeBuffer } from '../protocol/free-buffer.ts';
import type {
  BlobItem,
  BlobsItem,
  DeviceStateItem,
  ImportPages,
  NoBlobItem,
} from '../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';
import { readBlobs } from './blob-group.ts';
import { ByteSource } from './byte-source.ts';
import { type Codec, digestText } from './codec.ts';
import {
  checkHead,
  decodeFrame,
  decodeFrameHeader,
  decodePreamble,
  type FrameHeader,
  frameHeaderBytes,
  frameKind,
  preambleBytes,
} from './frame.ts';
import { decodeCut, decodeHead, type StateHead } from './head.ts';
import { decodePageGroup } from './page-group.ts';
import { stateLimits } from './state-limits.ts';

/** A part of a disk or image that exists only in the file. */
export interface ContentsItem {
  kind: 'contents';
  blob: BlobItem;
}

/** A part of the file, as in its frames. */
export type StatePart = ImportPages | BlobsItem | DeviceStateItem | ContentsItem;

export type StateItem = Exclude<StatePart, BlobsItem> | BlobItem | NoBlobItem;

/** @param bytes in addition to earlier ones */
type MakeRoom = (bytes: number) => Promise<void> | void;

/** Returns the room for a part. The first part of a blob counts for all of it. */
function roomOf(part: StatePart): number {
  if (part.kind === 'contents') return roomOfBlob(part.blob.offsetBytes, part.blob.totalBytes);
  if (part.kind !== 'blobs') return 0;
  const { entries } = part;
  let bytes = 0;
  for (let at = 0; at < entries.length; at += entryNumbers) {
    const isAbsent = entries[at + 4] === noBlob;
    bytes += roomOfBlob(isAbsent ? noBlob : (entries[at + 3] ?? 0), entries[at + 2] ?? 0);
  }
  return bytes;
}

function roomOfBlob(offsetBytes: number, totalBytes: number): number {
  const { leastBlobBytes, blobOverheadBytes } = stateLimits;
  return (offsetBytes === 0 ? Math.max(totalBytes, leastBlobBytes) : 0) + blobOverheadBytes;
}

export class StateReader {
  readonly head: StateHead;
  readonly headBytes: number;
  readonly pageCount: number;
  readonly #bytes: ByteSource;
  readonly #codec: Codec;
  #digest: string | undefined;

  private constructor(head: StateHead, headBytes: number, bytes: ByteSource, codec: Codec) {
    this.head = head;
    this.headBytes = headBytes;
    this.pageCount = head.state.ranges.reduce((sum, { pages }) => sum + pages, 0);
    this.#bytes = bytes;
    this.#codec = codec;
  }

  /** @throws HoldfastError `bad-state-file`, or errors of the source */
  static async open(
    source: AsyncIterable<Uint8Array>,
    codec: Codec,
    arrived?: (loadedBytes: number) => void,
  ): Promise<StateReader> {
    const bytes = new ByteSource(source, codec.newDigest(), arrived);
    const preamble = await bytes.read(preambleBytes);
    const headBytes = await bytes.read(decodePreamble(preamble));
    checkHead(preamble, headBytes, codec.digest);
    const head = decodeHead(headBytes, codec.digest);
    return new StateReader(head, preambleBytes + headBytes.length, bytes, codec);
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
    let blobBytes = 0;
    let pagesLeft = stateLimits.pageRounds * this.pageCount;
    try {
      for (;;) {
        const headerBytes = await this.#bytes.read(frameHeaderBytes, { covered: false });
        const header = decodeFrameHeader(headerBytes);
        if (header.kind === frameKind.end) {
          await this.#end(header);
          break;
        }
        this.#bytes.cover(headerBytes);
        for (const part of await this.#decode(header)) {
          if (part.kind === 'cut' && ++cuts > 1) throw badState('This state file has two cuts.');
          pagesLeft -= pagesOf(part);
          if (pagesLeft < 0) throw badState('This state file writes the same pages over and over.');
          const needed = roomOf(part);
          blobBytes += needed;
          if (blobBytes > stateLimits.blobBytes) throw badState('This state file is too large.');
          if (needed > 0) await room?.(needed);
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
    if (raw !== stored) freeBuffer(stored.buffer);
    switch (header.kind) {
      case frameKind.pages:
        return [decodePageGroup(raw, this.pageCount)];
      case frameKind.blobs:
        return [readBlobs(raw)];
      case frameKind.contents:
        return contentsOf(raw);
      case frameKind.cut:
        return [decodeCut(raw, this.#codec.digest)];
      case frameKind.end:
        return [];
    }
  }

  /** [SF4] Checks that nothing was removed, added or reordered. */
  async #end(header: FrameHeader): Promise<void> {
    const digest = this.#bytes.digest();
    const stored = await this.#bytes.read(header.storedBytes, { covered: false });
    const bytes = decodeFrame(header, stored, this.#codec);
    if (bytes.length !== 8 || new DataView(bytes.buffer).getBigUint64(0, true) !== digest)
      throw badState('This state file is damaged.');
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

function* contentsOf(raw: Uint8Array<ArrayBuffer>): Generator<ContentsItem> {
  for (const blob of blobsOf(readBlobs(raw))) {
    if (blob.kind !== 'blob') throw badState('This state file leaves out what it begins.');
    yield { kind: 'contents', blob };
  }
}
