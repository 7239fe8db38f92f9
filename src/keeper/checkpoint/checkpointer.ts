/**
 * Writes a running machine to the store as one consistent cut.
 *
 * Changed pages are copied while the guest runs, in passes, until few remain. Then the guest stops
 * while the rest is copied, and resumes before any of it is written. Data is written first and the
 * manifest last. Until the manifest is published, the previous checkpoint is the newest.
 */

import { HoldfastError } from '../../errors.ts';
import type { WriteTracking } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { CheckpointInfo } from '../../protocol/stored.ts';
import { adoptHoldfastError } from '../../protocol/wire-error.ts';
import type { MachineStore } from '../../store/types.ts';
import { BlobBatch } from './blob-batch.ts';
import {
  blockNamed,
  type CheckpointSource,
  indexBlock,
  storedRanges,
} from './checkpoint-source.ts';
import { GuestPages, type PageRange } from './guest-pages.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import { PagePacker, packBlobs } from './pack-records.ts';
import { PageBatch } from './page-batch.ts';
import { PageScanner, pageState } from './page-scan.ts';
import { contentBytes, encodeRecord, type LogRecord, pagesOf } from './record.ts';
import { RecordBuffers } from './record-buffers.ts';
import type { RestoredCheckpoint } from './restore-checkpoint.ts';
import { Segments } from './segments.ts';
import { nextTask, Slices } from './slices.ts';
import { writtenPages } from './written-pages.ts';

/** Pages scanned between two checks of the time. */
const lookPages = 128;
/** Few enough to copy while the guest is stopped. */
const smallRestPages = 256;
/**
 * Few enough to scan while the guest is stopped. The first MiB is always scanned, see
 * write-tracking.ts.
 */
const smallLookPages = 512;
const maximumPasses = 5;
/** A pass that leaves more than this share of the previous one gains nothing. */
const uselessShare = 0.7;
/** Size of waiting copies; beyond it they are written while the guest runs. */
const maximumWaitingBytes = 32 * 1024 * 1024;
/** Size of records in transit to the store at a time, or one larger record. */
const bytesInFlight = 8 * 1024 * 1024;
/** Size of records that are written in the transaction of their generation. */
const heldBytes = 512 * 1024;
/** Limit of cleaning: a share of the changed bytes, but at least half of the largest record. */
const cleaning = { share: 0.1, leastBytes: 4 * 1024 * 1024 } as const;

export interface CheckpointOptions {
  /** Waits for a moment without device operations in flight; `stop` follows immediately. */
  settle?(): Promise<void>;
  /** Stops the guest. Only called if it runs: the caller knows its runstate. */
  stop(): void;
  go(): void;
  signal?: AbortSignal;
  /** Writes everything, including what has not changed. */
  full?: boolean;
  /** Skips the copies while the guest runs, because the page may end in a moment. */
  urgent?: boolean;
  /** Replaces the store's data about the machine, see {@link MachineStore.publish}. */
  details?: unknown;
  /**
   * Called after each pass over the running guest. Resolves with true for another one. Absent:
   * passes end once one of them gains little.
   */
  another?: (pass: FinishedPass) => Promise<boolean>;
  /** Called during the first pass over the running guest. */
  looked?: (pages: PageCounts) => void;
  /** The guest stands still until the rest is written, so that no slice of it has to come in between. */
  leaves?: boolean;
}

/** Pages that a pass has looked at, and all that it looks at. */
export interface PageCounts {
  done: number;
  all: number;
}

export interface FinishedPass {
  /** Passes so far. */
  passes: number;
  /** Pages that this one found to have changed. */
  found: number;
  /** Time that it took from the guest. */
  busyMs: number;
}

export type CheckpointReport = CheckpointInfo;

interface CheckpointerOptions {
  source: CheckpointSource;
  store: MachineStore;
  /** Checkpoint that this machine was restored from: only later changes are written. */
  resumed?: RestoredCheckpoint | undefined;
  /** Lets the guest and all other tasks run. */
  turn?: () => Promise<void>;
  /** Longest time that the guest waits for its turn. */
  sliceMs?: number;
  /** Size of waiting copies while the guest runs; beyond it they are written first. */
  waitingBytes?: number;
  /** For a receiver that does not support parts of large pieces. */
  wholePieces?: boolean;
}

/** A checkpoint in progress. */
interface Attempt {
  options: CheckpointOptions;
  slices: Slices;
  puts: number[];
  /** Pages that were found to have changed. */
  changed: Set<number>;
  /** Pages that are written again only because the cleaner removes their record. */
  cleaned: Set<number>;
  /** Number of changed pages, by range. */
  found: Map<string, number>;
  report: CheckpointReport;
}

export class Checkpointer {
  readonly #source: CheckpointSource;
  readonly #store: MachineStore;
  readonly #maximumWaitingBytes: number;
  readonly #newSlices: () => Slices;
  readonly #pages: GuestPages;
  readonly #scanner: PageScanner;
  #segments: Segments;
  readonly #batch: PageBatch;
  readonly #buffers = new RecordBuffers();
  #blobs: BlobBatch;
  readonly #wholePieces: boolean | undefined;
  /** The tracking whose marks are complete. The marks of any other runtime are not. */
  #tracking: WriteTracking | undefined;
  /** A damaged generation that is newer than the one the machine was restored from. */
  #damagedNewest: boolean;
  #underWay = false;
  #lastDirtyBytes = 0;
  /** The number of pages that had changed at the last checkpoint, by the name of their range. */
  #lastFound: ReadonlyMap<string, number> = new Map();

  constructor(options: CheckpointerOptions) {
    const { source, store, resumed, turn = nextTask, sliceMs = 2, wholePieces } = options;
    this.#maximumWaitingBytes = options.waitingBytes ?? maximumWaitingBytes;
    this.#source = source;
    this.#store = store;
    this.#newSlices = () => new Slices(turn, sliceMs);
    this.#pages = new GuestPages(source.guestMemory);
    const { memory, blocks } = source;
    const index = source.index ?? blockNamed(blocks, indexBlock);
    this.#scanner = new PageScanner(memory, index, this.#pages);
    if (!resumed) this.#scanner.forgetAll();
    this.#segments = resumed?.segments ?? new Segments(this.#pages.count);
    this.#batch = new PageBatch(memory, this.#pages.count);
    this.#blobs = new BlobBatch(source, this.#segments, { done: resumed?.state, wholePieces });
    this.#wholePieces = wholePieces;
    this.#damagedNewest = resumed?.fellBack !== undefined;
  }

  /**
   * Takes a checkpoint. Afterwards, even after a failure, the guest runs if it ran before.
   * @throws HoldfastError of the store; `cancelled` by the signal's reason; `busy` while another
   * one is in progress.
   */
  async checkpoint(options: CheckpointOptions): Promise<CheckpointReport> {
    if (this.#underWay)
      throw new HoldfastError(
        'busy',
        'A checkpoint of this machine is under way: wait for its end.',
      );
    this.#underWay = true;
    if (!this.#scanner.isCurrent) this.#beginAnew();
    const attempt = newAttempt(options, this.#newSlices());
    const progress = this.#blobs.progress();
    this.#segments.begin();
    try {
      return await this.#write(attempt);
    } catch (thrown) {
      this.#giveUp(attempt);
      this.#blobs.resetTo(progress);
      await this.#store.abandon(attempt.puts).catch(() => {
        // Records of no generation: the store deletes them when it is next opened.
      });
      throw HoldfastError.from(adoptHoldfastError(thrown), 'internal', 'The checkpoint failed');
    } finally {
      this.#underWay = false;
    }
  }

  async #write(attempt: Attempt): Promise<CheckpointReport> {
    const { options, report } = attempt;
    const beganMs = performance.now();
    if (this.#damagedNewest) {
      await this.#store.dropNewest();
      this.#damagedNewest = false;
    }
    if (options.full) this.#forceAll();
    this.#runCleaner(attempt);
    if (!options.urgent) await this.#copyWhileRunning(attempt);
    await options.settle?.();
    const manifest = this.#capture(attempt);
    if (options.leaves) attempt.slices = new Slices(async () => {}, Number.POSITIVE_INFINITY);
    await this.#flush(attempt, { isLast: true });

    const records = this.#segments.live().map(({ recordId }) => recordId);
    const bytes = encodeManifest(manifest, records, this.#source.digest);
    checkAborted(options.signal);
    const { takenAtMs } = manifest;
    const { details } = options;
    report.generation = await this.#store.publish({
      takenAtMs,
      manifest: bytes,
      records,
      ...(details !== undefined && { details }),
    });
    this.#segments.forgetDead();
    this.#lastDirtyBytes = report.dirtyBytes += attempt.changed.size * pageBytes;
    this.#lastFound = attempt.found;
    report.takenAtMs = takenAtMs;
    report.manifestBytes = bytes.length;
    report.writtenBytes += bytes.length;
    report.busyMs = report.pauseMs + attempt.slices.busyMs;
    report.durationMs = performance.now() - beganMs;
    return report;
  }

  /** Marks everything of a failed attempt, so that the next one writes it. */
  #giveUp({ changed, cleaned }: Attempt): void {
    this.#segments.rollBack();
    this.#batch.clear();
    for (const pages of [changed, cleaned])
      for (const page of pages) this.#scanner.mark(page, pageState.forced);
  }

  /** Starts again: another checkpointer has used this machine, so the data here is stale. */
  #beginAnew(): void {
    this.#scanner.forgetAll();
    this.#segments = new Segments(this.#pages.count);
    const wholePieces = this.#wholePieces;
    this.#blobs = new BlobBatch(this.#source, this.#segments, { wholePieces });
    this.#tracking = undefined;
  }

  #forceAll(): void {
    for (let page = 0; page < this.#pages.count; page++) this.#scanner.mark(page, pageState.forced);
    this.#blobs.forceAll();
  }

  /** Marks the live contents of records that hold little else. */
  #runCleaner({ cleaned }: Attempt): void {
    const budget = Math.max(cleaning.leastBytes, this.#lastDirtyBytes * cleaning.share);
    for (const segment of this.#segments.victims(budget)) {
      for (const page of this.#segments.livePages(segment)) {
        cleaned.add(page);
        this.#scanner.mark(page, pageState.forced);
      }
      for (const blob of this.#segments.liveBlobs(segment)) this.#blobs.force(blob);
    }
  }

  async #copyWhileRunning(attempt: Attempt): Promise<void> {
    const { options, report } = attempt;
    let before = Number.POSITIVE_INFINITY;
    this.#source.noteRecent?.();
    const most = options.another ? Number.POSITIVE_INFINITY : maximumPasses;
    for (let pass = 0; pass < most; pass++) {
      report.passes++;
      const busyMs = attempt.slices.busyMs;
      const ranges = this.#collect(pass === 0, true);
      await this.#collectPiecesInSlices(attempt);
      let found = 0;
      const all = ranges.reduce((sum, { count }) => sum + count, 0);
      let scanned = 0;
      for (const range of ranges) {
        const done = scanned;
        const looked = (pages: number) =>
          pass === 0 && options.looked?.({ done: done + pages, all });
        found += await this.#scanInSlices(attempt, range, looked);
        scanned += range.count;
      }
      checkAborted(options.signal);
      if (options.another) {
        // The caller's rate is of what was sent.
        await this.#flush(attempt);
        if (
          !(await options.another({
            passes: pass + 1,
            found,
            busyMs: attempt.slices.busyMs - busyMs,
          }))
        )
          return;
        continue;
      }
      if (found <= smallRestPages || found > before * uselessShare) return;
      before = found;
    }
  }

  /** @returns the number of changed pages. */
  async #scanInSlices(
    attempt: Attempt,
    range: PageRange,
    looked: (pages: number) => void,
  ): Promise<number> {
    const { slices, options } = attempt;
    const end = range.first + range.count;
    let found = 0;
    slices.start();
    for (let page = range.first; page < end; ) {
      const look = this.#look(attempt, range, page, lookPages);
      page = look.next;
      found += look.found;
      looked(page - range.first);
      await slices.step();
      checkAborted(options.signal);
      await this.#flushMany(attempt);
    }
    slices.end();
    return found;
  }

  async #collectPiecesInSlices(attempt: Attempt): Promise<void> {
    const { slices, options, report } = attempt;
    slices.start();
    for (const copied of this.#blobs.collectPieces()) {
      report.dirtyBytes += copied;
      await slices.step();
      checkAborted(options.signal);
      await this.#flushMany(attempt);
    }
    slices.end();
  }

  /** Writes the waiting copies if they exceed the limit. */
  async #flushMany(attempt: Attempt): Promise<void> {
    if (this.#batch.sizeBytes + this.#blobs.sizeBytes <= this.#maximumWaitingBytes) return;
    attempt.slices.end();
    await this.#flush(attempt);
    attempt.slices.start();
  }

  /** Takes the cut. The guest is stopped from its first line to its last. */
  #capture(attempt: Attempt): Manifest {
    const { options, report } = attempt;
    const source = this.#source;
    const stoppedMs = performance.now();
    options.stop();
    try {
      for (const range of this.#collect(true)) {
        const end = range.first + range.count;
        for (let page = range.first; page < end; )
          page = this.#look(attempt, range, page, Number.POSITIVE_INFINITY).next;
      }
      for (const copied of this.#blobs.collectPieces()) report.dirtyBytes += copied;
      report.dirtyBytes += this.#blobs.collectConsoles();
      return {
        takenAtMs: Date.now(),
        ranges: storedRanges(source),
        consoles: this.#blobs.consoles,
        pieces: this.#blobs.pieces,
        parts: this.#blobs.parts,
        absent: source.absent?.(),
        vmstate: source.save(),
        keeperState: source.keeperState?.() ?? new Uint8Array(0),
      };
    } finally {
      options.go();
      report.pauseMs = performance.now() - stoppedMs;
    }
  }

  /**
   * Makes all pages candidates that may have been written since the last call.
   * `all`: includes blocks without write tracking, of which every page is a candidate.
   * `runs`: the guest runs and is stopped later, so few may remain until then.
   * @returns the ranges to scan.
   */
  #collect(all: boolean, runs = false): PageRange[] {
    const { writes, memory } = this.#source;
    const known = writes !== undefined && writes === this.#tracking;
    writes?.collect();
    // A new epoch costs the guest a page-table walk for every page that it uses.
    const isLeft = runs && known && writtenPages(writes, memory) <= smallLookPages;
    const ranges = this.#pages.ranges.filter((range) => {
      const tracked = writes !== undefined && range.name === 'pc.ram';
      if (tracked && isLeft) return false;
      // The final scan covers all of it. That takes no longer than the copies of a few pages.
      if (!tracked && known && runs && this.#changedLittle(range)) return false;
      if (tracked && known) this.#scanner.markMapped(range, writes.map.address);
      else if (tracked || all || !known) this.#scanner.markRange(range);
      else return false;
      return true;
    });
    if (!isLeft) writes?.reset();
    this.#tracking = writes;
    return ranges;
  }

  /**
   * Returns true if a range changed little, such as video memory in text mode, which has no write
   * tracking.
   */
  #changedLittle({ name }: PageRange): boolean {
    return (this.#lastFound.get(name) ?? Number.POSITIVE_INFINITY) <= smallRestPages;
  }

  /**
   * Scans up to `limit` candidates of the range from `page` on.
   * @returns the page to continue at, and the number of changed pages.
   */
  #look(
    { changed, cleaned, found: counts, report }: Attempt,
    range: PageRange,
    page: number,
    limit: number,
  ) {
    const batch = this.#batch;
    let found = 0;
    const { next, looked } = this.#scanner.scan(range, page, limit, (page, address, word) => {
      found++;
      // A page of zeros that is in no record: restored memory begins with zeros.
      if (word === 0 && !this.#segments.ownsPage(page)) batch.drop(page);
      else if (word === undefined) batch.put(page, address);
      else batch.putUniform(page, word);
      if (!cleaned.has(page)) changed.add(page);
    });
    counts.set(range.name, (counts.get(range.name) ?? 0) + found);
    report.scannedBytes += looked * pageBytes;
    return { next, found };
  }

  /**
   * Writes the copies as records of the log.
   *
   * @param isLast true if the generation is published next. A few small records then wait for its
   * transaction.
   */
  async #flush(attempt: Attempt, { isLast = false } = {}): Promise<void> {
    const { options, slices } = attempt;
    slices.start();
    const isUrgent = options.urgent && this.#batch.sizeBytes <= maximumWaitingBytes;
    const isSoon = isUrgent || this.#store.blobsAreLate;
    const packer = new PagePacker(this.#batch, (page) => this.#scanner.hashOf(page), isSoon);
    for (const page of this.#batch.pages()) {
      packer.add(page);
      await slices.step();
    }
    const records = [...packer.records, ...packBlobs(this.#blobs.take())];
    const isHeld = isLast && sizeOf(records) <= heldBytes;
    for (const some of inParts(records)) {
      checkAborted(options.signal);
      const puts = some.map((record) => this.#put(attempt, record, isHeld));
      slices.end();
      const results = await Promise.allSettled(puts);
      slices.start();
      for (const [i, result] of results.entries()) {
        if (result.status === 'rejected') throw result.reason;
        const { id, sizeBytes } = result.value;
        const record = some[i] as LogRecord;
        const blobs = record.blobs.map(({ stream, index }) => ({ stream, index }));
        this.#segments.append(id, sizeBytes, pagesOf(record), blobs);
      }
    }
    slices.end();
    this.#batch.clear();
  }

  /** @param isHeld true for a record that is written with its generation */
  async #put({ puts, report }: Attempt, record: LogRecord, isHeld: boolean) {
    const bytes = encodeRecord(record, this.#source.digest, this.#buffers.take);
    const sizeBytes = bytes.length;
    const id = await (isHeld ? this.#store.holdRecord(bytes) : this.#store.putRecord(bytes));
    // A held record needs it until its publication, and no record is encoded before that has ended.
    this.#buffers.give(bytes);
    puts.push(id);
    report.writtenBytes += sizeBytes;
    return { id, sizeBytes };
  }
}

const sizeOf = (records: readonly LogRecord[]) =>
  records.reduce((sum, record) => sum + contentBytes(record), 0);

/** Splits records into parts that are stored in one write. */
function inParts(records: readonly LogRecord[]): LogRecord[][] {
  const parts: LogRecord[][] = [];
  // Less than a record of uniform pages needs, which has no contents.
  let room = -1;
  for (const record of records) {
    const sizeBytes = contentBytes(record);
    room -= sizeBytes;
    if (room >= 0) parts.at(-1)?.push(record);
    else {
      parts.push([record]);
      room = bytesInFlight - sizeBytes;
    }
  }
  return parts;
}

function newAttempt(options: CheckpointOptions, slices: Slices): Attempt {
  return {
    options,
    slices,
    puts: [],
    changed: new Set(),
    cleaned: new Set(),
    found: new Map(),
    report: {
      generation: 0,
      takenAtMs: 0,
      pauseMs: 0,
      durationMs: 0,
      passes: 0,
      scannedBytes: 0,
      busyMs: 0,
      dirtyBytes: 0,
      writtenBytes: 0,
      manifestBytes: 0,
    },
  };
}

function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw HoldfastError.from(signal.reason, 'cancelled', 'The checkpoint was given up');
}
