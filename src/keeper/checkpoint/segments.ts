/**
 * Which record of the log holds the newest copy of each page and blob. Records are never changed:
 * a newer one takes over what it holds, and a record that nothing is left of is dropped.
 */

/** A record of the log, while anything in it is the newest of its kind. */
export interface Segment {
  /** Grows with every record: what is in two records counts as it is in the one with the higher key. */
  readonly key: number;
  readonly recordId: number;
  readonly sizeBytes: number;
  readonly pages: Uint32Array;
  readonly blobs: readonly BlobKey[];
  /** How many of its pages and blobs no later record holds. */
  live: number;
}

export interface BlobKey {
  stream: string;
  index: number;
}

/** Below this share of what is stored being of use, records are cleaned. */
const wantedLiveShare = 0.6;
/** So much waste does not matter: dead records go away by themselves. */
const toleratedWasteBytes = 8 * 1024 * 1024;
/** More records than that times what the live bytes would fill are too many small ones. */
const toleratedRecords = { factor: 2, more: 128, fullBytes: 256 * 1024 } as const;

/** Of {@link costBenefit}: that of a full record of which four fifths are live. */
const leastWorth = 2.5;

export class Segments {
  /** By page: the segment's key, 0 for none. */
  readonly #pageOwners: Uint32Array;
  readonly #blobOwners = new Map<string, Map<number, number>>();
  readonly #segments = new Map<number, Segment>();
  #lastKey = 0;
  /** Undoes what was done since {@link begin}, last first. */
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

  /** Streams that any blob is known of. */
  streams(): IterableIterator<string> {
    return this.#blobOwners.keys();
  }

  /** From here on everything can be undone. */
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

  /** Forgets the blobs of a stream but those from `first` to before `end`: nobody will ask for them again. */
  keepBlobs(stream: string, first: number, end: number): void {
    for (const [index, key] of this.#blobOwners.get(stream) ?? []) {
      if (index >= first && index < end) continue;
      this.#ownBlob({ stream, index }, undefined);
      this.#journal.push(() => this.#ownBlob({ stream, index }, key));
    }
  }

  /** In the order in which they count. */
  live(): Segment[] {
    return [...this.#segments.values()].filter(({ live }) => live > 0);
  }

  /** To be called once the live records are published: forgets the others. */
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
   * Segments that are worth writing again what is live in them, so that they can go: the poorest
   * first, together some `budgetBytes` to write.
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

  /** @returns the owner before. */
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

/** Bytes that go away for each that must be written again; small records first among equals. */
function costBenefit(segment: Segment): number {
  const { fullBytes } = toleratedRecords;
  return (segment.sizeBytes + fullBytes) / (liveBytesOf(segment) + 1);
}
