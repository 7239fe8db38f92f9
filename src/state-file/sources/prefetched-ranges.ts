import type { RangeSource } from './range-source.ts';

interface Range {
  begin: number;
  end: number;
}

/** Ranges that are closer are read by one request: a request costs as much time as these bytes. */
const gapBytes = 64 << 10;
/** Largest request, and so the memory that one takes. */
const mostBytes = 4 << 20;
/** Requests at a time. */
const mostAtOnce = 3;
/** Requests whose bytes are all kept. */
const mostKept = 6;

/** A file of which many small parts are wanted, mostly in their order. Reads them in few requests. */
export class PrefetchedRanges implements RangeSource {
  readonly #source: RangeSource;
  readonly #progress: (loadedBytes: number, totalBytes: number) => void;
  #runs: { range: Range; bytes?: Promise<Uint8Array<ArrayBuffer>> | undefined }[] = [];
  #loaded = 0;
  #total = 0;

  constructor(source: RangeSource, progress: (loadedBytes: number, totalBytes: number) => void) {
    this.#source = source;
    this.#progress = progress;
  }

  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  /** @param ranges ascending */
  prefetch(ranges: readonly Range[]): void {
    const runs: Range[] = [];
    for (const { begin, end } of ranges) {
      const last = runs.at(-1);
      if (last && begin - last.end <= gapBytes && end - last.begin <= mostBytes) last.end = end;
      else runs.push({ begin, end });
    }
    for (const { begin, end } of runs) this.#total += end - begin;
    this.#runs = runs.map((range) => ({ range }));
    this.#begin(0);
  }

  async read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const at = this.#runs.findIndex(({ range }) => range.begin <= begin && end <= range.end);
    if (at < 0) {
      this.#total += end - begin;
      return this.#fetch({ begin, end });
    }
    this.#begin(at);
    const run = this.#runs[at];
    const bytes = await run?.bytes;
    const from = begin - (run?.range.begin ?? 0);
    return bytes?.slice(from, from + end - begin) ?? this.#fetch({ begin, end });
  }

  /** Begins with a run and some after it. Of many runs, those far from it are freed. */
  #begin(at: number): void {
    const isMany = this.#runs.length > mostKept;
    for (const [i, run] of this.#runs.entries()) {
      const isNear = i >= at - 1 && i < at + mostAtOnce;
      if (i >= at && isNear && !run.bytes) {
        run.bytes = this.#fetch(run.range);
        // The reader of the bytes gets the error.
        run.bytes.catch(() => {});
      } else if (isMany && !isNear) run.bytes = undefined;
    }
  }

  async #fetch({ begin, end }: Range): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#source.read(begin, end);
    this.#loaded += bytes.length;
    this.#progress(this.#loaded, this.#total);
    return bytes;
  }
}
