/** Sorts what waits to be written into records of 240 KiB to 8 MiB. */
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { PageBatch } from './page-batch.ts';
import { emptyRecord, type LogRecord, type Piece } from './record.ts';

/**
 * A record a page is twenty times slower. A larger record reaches the browser later: Chromium fetches
 * its bytes by a thread that also compiles the guest's code. That took seconds on a busy computer.
 */
export const smallRecordBytes = 240 * 1024;
/**
 * The browser stores a few large records at half of the processor time of many small ones. Small
 * records become dead as a whole sooner, and so deleted: a guest that writes little gets those.
 */
const largestRecordBytes = 8 * 1024 * 1024;
/** Up to this size, the processor time of small records does not matter. */
const littleBytes = 4 * 1024 * 1024;
/** Size of the smallest large record. */
const leastLargeBytes = 1024 * 1024;
/** Target number of records for the copies that wait at a time. */
const fewRecords = 4;
/** Sizes in a record, see record.ts. */
const headBytes = 32;
const numberedPageBytes = pageBytes + 4;
const listedPageBytes = 8;
const listedBlobBytes = (stream: string) => 10 + stream.length;

/**
 * Returns the record size for this many waiting bytes. Few sizes exist, so that buffers can be
 * reused.
 */
function recordBytesFor(waitingBytes: number, mustArriveSoon: boolean): number {
  if (mustArriveSoon || waitingBytes <= littleBytes) return smallRecordBytes;
  let bytes = leastLargeBytes;
  while (bytes < largestRecordBytes && bytes * fewRecords < waitingBytes) bytes *= 2;
  return bytes;
}

/** Packs pages into records and stores equal pages once. */
export class PagePacker {
  readonly records: LogRecord[] = [];
  readonly #batch: PageBatch;
  readonly #hashOf: (page: number) => number;
  readonly #recordBytes: number;
  /** Sizes of the records. */
  readonly #sizes = new Map<LogRecord, number>();
  readonly #known = new Map<number, { record: LogRecord; like: number; contents: Uint8Array }>();

  /**
   * @param hashOf returns the same number for pages of the same contents
   * @param mustArriveSoon makes small records only: see {@link smallRecordBytes}
   */
  constructor(batch: PageBatch, hashOf: (page: number) => number, mustArriveSoon = false) {
    this.#batch = batch;
    this.#hashOf = hashOf;
    this.#recordBytes = recordBytesFor(batch.sizeBytes, mustArriveSoon);
  }

  add(page: number): void {
    const word = this.#batch.uniformWord(page);
    if (word !== undefined) {
      this.#withRoom(listedPageBytes).uniform.push({ page, word });
      return;
    }
    const contents = this.#batch.contents(page);
    const hash = this.#hashOf(page);
    const same = this.#known.get(hash);
    if (same && equal(same.contents, contents) && this.#take(same.record, listedPageBytes)) {
      same.record.repeats.push({ page, like: same.like });
      return;
    }
    const record = this.#withRoom(numberedPageBytes);
    this.#known.set(hash, { record, like: record.pages.length, contents });
    record.pages.push({ page, contents });
  }

  /** Returns the last record, or a new one if this many bytes do not fit. */
  #withRoom(bytes: number): LogRecord {
    const open = this.records.at(-1);
    if (open && this.#take(open, bytes)) return open;
    const record = emptyRecord();
    this.records.push(record);
    this.#sizes.set(record, headBytes + bytes);
    return record;
  }

  /** @returns false if the record has no room */
  #take(record: LogRecord, bytes: number): boolean {
    const sizeBytes = (this.#sizes.get(record) ?? headBytes) + bytes;
    if (sizeBytes > this.#recordBytes) return false;
    this.#sizes.set(record, sizeBytes);
    return true;
  }
}

/** Packs blobs into records. A blob that is larger than a record makes a large record. */
export function packBlobs(blobs: Iterable<Piece>): LogRecord[] {
  const records: LogRecord[] = [];
  let open: LogRecord | undefined;
  let sizeBytes = 0;
  for (const blob of blobs) {
    const ownBytes = (blob.bytes?.length ?? 0) + listedBlobBytes(blob.stream);
    if (!open || sizeBytes + ownBytes > smallRecordBytes) {
      open = emptyRecord();
      records.push(open);
      sizeBytes = headBytes;
    }
    open.blobs.push(blob);
    sizeBytes += ownBytes;
  }
  return records;
}

/** Compares copies of pages, which are aligned. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  const words = ({ buffer, byteOffset }: Uint8Array) =>
    new Int32Array(buffer, byteOffset, pageBytes / 4);
  const other = words(b);
  return words(a).every((word, i) => word === other[i]);
}
