/**
 * Reads a state file of format 2 in any order: its head and its end first, then each part when it is
 * wanted. Each part is checked by its digest before it is passed on.
 */
import { pageBytes } from '../protocol/page-bytes.ts';
import type { DeviceStateItem } from '../protocol/state-transfer.ts';
import { badState } from './format/bad-state.ts';
import { readBlobs } from './format/blob-group.ts';
import type { ReadingCodec } from './format/codec.ts';
import { digestText } from './format/digest-text.ts';
import { decodeEnd, type EndOfFile, endFrameBytes, fileDigest } from './format/end-frame.ts';
import {
  checkHead,
  decodeFrame,
  decodeFrameHeader,
  decodePreamble,
  frameHeaderBytes,
  frameKind,
  preambleBytes,
} from './format/frame.ts';
import { decodeCut, decodeHead, pageCountOf, type StateHead } from './format/head.ts';
import { decodePageGroup } from './format/page-group.ts';
import { PagesByFrame } from './format/pages-by-frame.ts';
import { decodeIndex, type IndexedFrame, type StateIndex } from './format/state-index.ts';
import { stateLimits } from './format/state-limits.ts';
import { contentsOf, PartRoom, type StatePart } from './format/state-part.ts';
import type { RangeSource } from './sources/range-source.ts';

/** Read first from the end: mostly all that a guest needs to run. */
const endBytes = 256 << 10;
/** Limit of what is read of the rest at once: hot pages, device state, index. */
const mostTailBytes = 16 << 20;

/** A page of a frame. */
export interface FramePage {
  page: number;
  /** A view of the frame. With `basePage`, the difference from that page of the base. */
  bytes: Uint8Array;
  basePage?: number;
}

/** Offsets of the first frame and of the index. */
interface Places {
  framesAt: number;
  indexAt: number;
}

interface TailOptions {
  /** How much of the end is read first. */
  tailBytes?: number;
  /** Reads no hot pages and no device state before they are wanted. */
  onlyIndex?: boolean;
}

interface Tail {
  at: number;
  bytes: Uint8Array<ArrayBuffer>;
}

export class StateFileReader {
  readonly head: StateHead;
  readonly places: Places;
  readonly index: StateIndex;
  /** `xxh64:…`, the digest that bases are named by. */
  readonly digest: string;
  readonly #source: RangeSource;
  readonly #codec: ReadingCodec;
  readonly #byFrame: PagesByFrame;
  #tail: Tail | undefined;

  private constructor(
    {
      head,
      index,
      digest,
      tail,
      places,
    }: { head: StateHead; index: StateIndex; digest: bigint; tail: Tail; places: Places },
    source: RangeSource,
    codec: ReadingCodec,
  ) {
    this.head = head;
    this.places = places;
    this.index = index;
    this.digest = digestText(digest);
    this.#source = source;
    this.#codec = codec;
    this.#tail = tail;
    this.#byFrame = new PagesByFrame(index);
  }

  /**
   * @returns undefined for a file of format 1, which has no index: it can only be read as a stream
   * @throws HoldfastError `bad-state-file`, or errors of the source
   */
  static async open(
    source: RangeSource,
    codec: ReadingCodec,
    { tailBytes = endBytes, onlyIndex = false }: TailOptions = {},
  ): Promise<StateFileReader | undefined> {
    const { sizeBytes } = source;
    if (sizeBytes < preambleBytes + endFrameBytes) throw badState('This state file is cut off.');
    const preamble = await source.read(0, preambleBytes);
    const { format, headBytes } = decodePreamble(preamble);
    if (format === 1) return undefined;
    const framesAt = preambleBytes + headBytes;
    if (framesAt + endFrameBytes > sizeBytes) throw badState('This state file is cut off.');
    const headPart = await source.read(preambleBytes, framesAt);
    checkHead(preamble, headPart, codec.digest);
    const head = decodeHead(headPart, codec.digest);
    const { end, tail } = await tailOf(source, { framesAt, tailBytes, onlyIndex }, codec);
    const pageCount = pageCountOf(head);
    const hasBase = head.state.base !== undefined;
    const { tailAt, indexAt, digest } = end;
    const indexPart = within(tail, indexAt, sizeBytes - endFrameBytes);
    const header = decodeFrameHeader(indexPart.slice(0, frameHeaderBytes), 2);
    const isWhole =
      header.kind === frameKind.index &&
      frameHeaderBytes + header.storedBytes === indexPart.length &&
      digest === fileDigest(preamble, header.bytes, codec.digest);
    if (!isWhole) throw badState('The index of this state file is damaged.');
    const raw = decodeFrame(header, indexPart.slice(frameHeaderBytes), codec);
    const index = decodeIndex(raw, { pageCount, hasBase, framesAt, tailAt, indexAt });
    const places = { framesAt, indexAt };
    return new StateFileReader({ head, index, digest, tail, places }, source, codec);
  }

  /** Numbers of the frames with pages: those that the guest needs first, then the others. */
  get packs(): { hot: readonly number[]; others: readonly number[] } {
    const numbersOf = (wanted: number) =>
      this.index.frames.flatMap(({ kind }, number) => (kind === wanted ? [number] : []));
    return { hot: numbersOf(frameKind.hotPages), others: numbersOf(frameKind.pages) };
  }

  /** @throws HoldfastError `bad-state-file`, or errors of the source */
  async readDeviceState(): Promise<DeviceStateItem> {
    const cut = this.index.frames.at(-1);
    if (!cut) throw badState('This state file holds no device state.');
    return decodeCut(await this.#raw(cut), this.#codec.digest);
  }

  /**
   * Yields disks, images and blobs.
   * @param room called before a part that needs memory; may wait, and refuse
   * @throws HoldfastError `bad-state-file`, or errors of the source or of `room`
   */
  async *readParts(room?: (bytes: number) => Promise<void> | void): AsyncGenerator<StatePart> {
    const taken = new PartRoom(room);
    for (const frame of this.index.frames) {
      if (frame.kind !== frameKind.contents && frame.kind !== frameKind.blobs) continue;
      const raw = await this.#raw(frame);
      const parts = frame.kind === frameKind.blobs ? [readBlobs(raw)] : contentsOf(raw);
      for (const part of parts) {
        await taken.take(part);
        yield part;
      }
    }
  }

  /**
   * Reads the pages of a frame, as they are in the whole file: without those that a later frame
   * replaces.
   * @throws HoldfastError `bad-state-file`, or errors of the source
   */
  async readPages(number: number): Promise<FramePage[]> {
    return this.#pagesIn(number, await this.#raw(this.#frame(number)));
  }

  /** Returns where the bytes of a frame are in the file. */
  placeOf(number: number): { begin: number; end: number } {
    return placeOf(this.#frame(number));
  }

  /** Returns the numbers of the pages of a frame, ascending. */
  pageNumbersOf(number: number): Uint32Array {
    return this.#byFrame.of(number);
  }

  /**
   * As {@link readPages}, of bytes that are there.
   * @param stored bytes from {@link placeOf}
   * @throws HoldfastError `bad-state-file` if they are not those of the frame
   */
  decodePages(number: number, stored: Uint8Array<ArrayBuffer>): FramePage[] {
    return this.#pagesIn(number, decodeFrame(this.#frame(number), stored, this.#codec));
  }

  #frame(number: number): IndexedFrame {
    const frame = this.index.frames[number];
    if (!frame) throw badState(`This state file has no part ${number}.`);
    return frame;
  }

  #pagesIn(number: number, raw: Uint8Array<ArrayBuffer>): FramePage[] {
    const { sources } = this.index;
    const group = decodePageGroup(raw, sources.pageCount, 2);
    const bytesOf = (slot: number) => {
      const bytes = [group.contents, group.xor];
      const isDifference = slot >= group.numbers.length;
      const at = (isDifference ? slot - group.numbers.length : slot) * pageBytes;
      const found = bytes[Number(isDifference)]?.subarray(at, at + pageBytes);
      if (found?.length !== pageBytes)
        throw badState('The index of this state file names a page that is not there.');
      return { bytes: found, isDifference };
    };
    return Array.from(this.#byFrame.of(number), (page) => {
      const source = sources.of(page);
      if (source.kind !== 'contents' && source.kind !== 'difference')
        throw badState('The index of this state file is invalid.');
      const { bytes, isDifference } = bytesOf(source.slot);
      if (isDifference !== (source.kind === 'difference'))
        throw badState('The index of this state file takes a page for another kind.');
      return source.kind === 'difference'
        ? { page, bytes, basePage: source.basePage }
        : { page, bytes };
    });
  }

  /** Reads the index as it is stored, up to the end of the file. */
  async readIndexPart(): Promise<Uint8Array<ArrayBuffer>> {
    const { indexAt } = this.places;
    const { sizeBytes } = this.#source;
    const tail = this.#tail;
    return tail
      ? within(tail, indexAt, sizeBytes).slice()
      : await this.#source.read(indexAt, sizeBytes);
  }

  /** Frees the end of the file, once hot pages and device state are read. */
  releaseTail(): void {
    this.#tail = undefined;
  }

  async #raw(frame: IndexedFrame): Promise<Uint8Array<ArrayBuffer>> {
    const { begin, end } = placeOf(frame);
    const tail = this.#tail;
    const stored =
      tail && begin >= tail.at
        ? within(tail, begin, end).slice()
        : await this.#source.read(begin, end);
    return decodeFrame(frame, stored, this.#codec);
  }
}

function placeOf({ offset, storedBytes }: IndexedFrame) {
  const begin = offset + frameHeaderBytes;
  return { begin, end: begin + storedBytes };
}

const within = ({ at, bytes }: Tail, begin: number, end: number) =>
  bytes.subarray(begin - at, end - at);

/** Reads the end frame and as much of what is before it as one request may cost. */
async function tailOf(
  source: RangeSource,
  { framesAt, tailBytes, onlyIndex }: Required<TailOptions> & { framesAt: number },
  codec: ReadingCodec,
): Promise<{ end: EndOfFile; tail: Tail }> {
  const { sizeBytes } = source;
  const endAt = sizeBytes - endFrameBytes;
  const at = Math.max(framesAt, sizeBytes - tailBytes);
  const bytes = await source.read(at, sizeBytes);
  const last = within({ at, bytes }, endAt, sizeBytes);
  const header = decodeFrameHeader(last.slice(0, frameHeaderBytes), 2);
  const isEnd =
    header.kind === frameKind.end && frameHeaderBytes + header.storedBytes === endFrameBytes;
  if (!isEnd) throw badState('This state file is cut off.');
  const end = decodeEnd(decodeFrame(header, last.slice(frameHeaderBytes), codec), endAt);
  if (endAt - end.indexAt > stateLimits.indexBytes + frameHeaderBytes)
    throw badState('This state file claims too large an index.');
  const isIndex = onlyIndex || sizeBytes - end.tailAt > mostTailBytes;
  const wanted = isIndex ? end.indexAt : end.tailAt;
  if (wanted < framesAt)
    throw badState('The end of this state file names places that are not in it.');
  if (wanted >= at) return { end, tail: { at, bytes } };
  const more = await source.read(wanted, at);
  const whole = new Uint8Array(more.length + bytes.length);
  whole.set(more);
  whole.set(bytes, more.length);
  return { end, tail: { at: wanted, bytes: whole } };
}
