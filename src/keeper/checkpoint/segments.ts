/**
 * Records which record of the log holds the newest copy of each page and blob. Records are never
 * changed: a newer one supersedes their contents. A record without live contents is dropped.
 */
import { smallRecordBytes } from './pack-records.ts';

/** A record of the log, while any of its contents is the newest of its kind. */
export interface Segment {
  /**
   * Grows with every record. Contents that are in two records count for the one with the higher
   * key.
   */
  readonly key: number;
  readonly recordId: number;
  readonly sizeBytes: number;
  readonly pages: Uint32Array;
  readonly blobs: readonly BlobKey[];
  /** Number of its pages and blobs that no later record holds. */
  live: number;
}

export interface BlobKey {
  stream: string;
  index: number;
}

/** If the live share of the stored bytes is lower, records are cleaned. */
const wantedLiveShare = 0.6;
/** Tolerated waste: dead records are deleted without cleaning. */
const toleratedWasteBytes = 8 * 1024 * 1024;
/** The tolerated number of records: this factor times the count of full records, and some more. */
const toleratedRecords = { factor: 2, more: 128, fullBytes: smallRecordBytes } as const;

/** Minimum {@link costBenefit} to clean: a full record which is 80 % live has it. */
const leastWorth = 2.5;

export class Segments {
  /** Key of each page's segment; 0 for none. */
  readonly #pageOwners: Uint32Array;
  readonly #blobOwners = new Map<string, Map<number, number>>();
  readonly #segments = new Map<number, Segment>();
  #lastKey = 0;
  /** Undoes the changes since {@link begin}, the last first. */
  #journal: (() => void)[] = [];

  constructor(pageCount: number) {
    this.#pageOwners = new Uint32Array(pageCount);
  }

  ownsPage(page: number): boolean {
    return this.#pageOwners[page] !== 0;
  }

  ownsBlob({ stream, index }: BlobKey): boolean {
    return this.#blobOwners.get(stream)?.has(index) ?? false;
  }

  /** Streams that have any blob. */
  streams(): IterableIterator<string> {
    return this.#blobOwners.keys();
  }

  /** From here on {@link rollBack} can undo everything. */
  begin(): void {
    this.#journal = [];
  }

  rollBack(): void {
    for (const undo of this.#journal.reverse()) undo();
    this.#journal = [];
  }

  append(
    recordId: number,
    sizeBytes: number,
    pages: Uint32Array,
    blobs: readonly BlobKey[],
  ): Segment {
    const key = ++this.#lastKey;
    const segment: Segment = { key, recordId, sizeBytes, pages, blobs, live: 0 };
    this.#segments.set(key, segment);
    const pageOwners = pages.map((page) => this.#pageOwners[page] ?? 0);
    for (const page of pages) this.#ownPage(page, key);
    const blobOwners = blobs.map((blob) => this.#ownBlob(blob, key));
    this.#journal.push(() => {
      for (const [i, page] of pages.entries()) this.#ownPage(page, pageOwners[i] ?? 0);
      for (const [i, blob] of blobs.entries()) this.#ownBlob(blob, blobOwners[i]);
      this.#segments.delete(key);
    });
    return segment;
  }

  /**
   * Drops the blobs of a stream except those from `first` to before `end`: they are not needed
   * again.
   */
  keepBlobs(stream: string, first: number, end: number): void {
    for (const [index, key] of this.#blobOwners.get(stream) ?? []) {
      if (index >= first && index < end) continue;
      this.#ownBlob({ stream, index }, undefined);
      this.#journal.push(() => this.#ownBlob({ stream, index }, key));
    }
  }

  /** Returns the live segments, the oldest first. */
  live(): Segment[] {
    return [...this.#segments.values()].filter(({ live }) => live > 0);
  }

  /** Drops the dead records. Call it once the live records are published. */
  forgetDead(): void {
    this.#journal = [];
    for (const [key, { live }] of this.#segments) if (live === 0) this.#segments.delete(key);
  }

  livePages({ key, pages }: Segment): Uint32Array {
    return pages.filter((page) => this.#pageOwners[page] === key);
  }

  liveBlobs({ key, blobs }: Segment): BlobKey[] {
    return blobs.filter(({ stream, index }) => this.#blobOwners.get(stream)?.get(index) === key);
  }

  /**
   * Returns the segments to clean: their live contents are written again so that the records can be
   * deleted. The segments with the least live contents come first. Together they have some
   * `budgetBytes` to write.
   */
  victims(budgetBytes: number): Segment[] {
    const segments = this.live();
    let storedBytes = 0;
    let liveBytes = 0;
    for (const segment of segments) {
      storedBytes += segment.sizeBytes;
      liveBytes += liveBytesOf(segment);
    }
    const { factor, more, fullBytes } = toleratedRecords;
    let excessBytes = storedBytes - liveBytes / wantedLiveShare - toleratedWasteBytes;
    let excessRecords = segments.length - (factor * liveBytes) / fullBytes - more;
    const byShare = segments.sort((a, b) => costBenefit(b) - costBenefit(a));
    const chosen: Segment[] = [];
    let left = budgetBytes;
    for (const segment of byShare) {
      if ((excessBytes <= 0 && excessRecords <= 0) || costBenefit(segment) < leastWorth) break;
      left -= liveBytesOf(segment);
      if (left < 0) break;
      chosen.push(segment);
      excessBytes -= segment.sizeBytes;
      excessRecords--;
    }
    return chosen;
  }

  #ownPage(page: number, key: number): void {
    this.#release(this.#pageOwners[page]);
    this.#pageOwners[page] = key;
    this.#take(key);
  }

  /** @returns the previous owner. */
  #ownBlob({ stream, index }: BlobKey, key: number | undefined): number | undefined {
    let owners = this.#blobOwners.get(stream);
    if (!owners) {
      owners = new Map();
      this.#blobOwners.set(stream, owners);
    }
    const before = owners.get(index);
    this.#release(before);
    if (key === undefined) owners.delete(index);
    else owners.set(index, key);
    this.#take(key);
    return before;
  }

  #release(key: number | undefined): void {
    const segment = key ? this.#segments.get(key) : undefined;
    if (segment) segment.live--;
  }

  #take(key: number | undefined): void {
    const segment = key ? this.#segments.get(key) : undefined;
    if (segment) segment.live++;
  }
}

function liveBytesOf({ sizeBytes, live, pages, blobs }: Segment): number {
  return (sizeBytes * live) / Math.max(1, pages.length + blobs.length);
}

/** Returns the bytes freed for each byte to write again; among equals, small records rank first. */
function costBenefit(segment: Segment): number {
  const { fullBytes } = toleratedRecords;
  return (segment.sizeBytes + fullBytes) / (liveBytesOf(segment) + 1);
}
