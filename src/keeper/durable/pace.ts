/**
 * Time of the next checkpoint. It is as late as possible without losing more than two seconds of a
 * killed guest: repeated writes to a page are then stored less often. It is earlier if checkpoints
 * take long or much was written. It is later if they are so costly that the guest would slow down.
 * Failures delay it more and more.
 */

/** Cost of the last checkpoint. */
export interface Cost {
  /** Time during which the guest could not run. */
  busyMs: number;
  /** From its begin to its end. */
  durationMs: number;
  /** From its cut to its end: later changes of the guest are not in it. */
  sinceCutMs: number;
  /** Number of the guest's changed pages. */
  pages: number;
}

const usualMs = 1000;
const longestMs = 10_000;
/**
 * A killed guest must lose no more than 2 s. The rest is for late timers and for a checkpoint that
 * takes longer than expected.
 */
const promisedMs = 1800;
/** Largest shares of the time between two checkpoints, which take precedence over the promise. */
const bearable = { busy: 0.1, duration: 0.6 } as const;
const retryMs = { first: 2000, longest: 60_000 } as const;
/** Fewer pages do not show the time for each. */
const telling = 1024;
/** Assumed time for a page before any measurement: twice that of two processors of 2025. */
const usualPageMs = 0.1;

export class Pace {
  #delayMs = usualMs;
  #failures = 0;
  /** Expected duration of the next checkpoint. */
  #durationMs = 0;
  #pageMs = usualPageMs;
  #last: Cost = { busyMs: 0, durationMs: 0, sinceCutMs: 0, pages: 0 };

  /** From a guest's start to the start of its first checkpoint, ms. */
  get firstDelayMs(): number {
    return usualMs;
  }

  /** From the end of the last checkpoint to the start of the next, ms. */
  get delayMs(): number {
    if (this.#failures === 0) return this.#delayMs;
    return Math.min(retryMs.first * 2 ** (this.#failures - 1), retryMs.longest);
  }

  /** Time at which to start reading the number of written pages, if {@link delayMs} is longer. */
  get lookMs(): number {
    return usualMs;
  }

  /** Like {@link delayMs}, for a guest that has written this many pages so far. */
  delayFor(pages: number): number {
    const durationMs = pages * this.#pageMs;
    if (this.#failures > 0 || durationMs <= this.#durationMs) return this.delayMs;
    return Math.min(this.delayMs, Math.max(usualMs, this.#targetMs(durationMs)));
  }

  succeeded(cost: Cost): void {
    const { durationMs, pages } = cost;
    this.#failures = 0;
    this.#last = cost;
    if (pages >= telling) this.#pageMs = durationMs / pages;
    // Checkpoints after a long one may take as long.
    this.#durationMs = Math.max(durationMs, (this.#durationMs + durationMs) / 2);
    const targetMs = this.#targetMs(this.#durationMs);
    // One expensive checkpoint predicts little about the next. But the promise applies at once.
    this.#delayMs = Math.min(targetMs, (this.#delayMs + targetMs) / 2);
  }

  /** Records a checkpoint whose cost does not predict the next one's. */
  began(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
  }

  /** @param durationMs of the next checkpoint */
  #targetMs(durationMs: number): number {
    const { busyMs, sinceCutMs } = this.#last;
    // In the worst case the kill comes just before the next one is written: all since the last cut
    // is lost.
    const promiseMs = promisedMs - sinceCutMs - durationMs;
    const bearableMs =
      Math.max(busyMs / bearable.busy, durationMs / bearable.duration) - durationMs;
    return Math.min(Math.max(promiseMs, bearableMs), longestMs);
  }
}
