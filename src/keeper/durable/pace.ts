/**
 * When the next checkpoint is due: as late as is possible without losing more than two seconds of a guest
 * that is killed, since what the guest writes over and over is then stored more rarely. Earlier where
 * checkpoints take long or much was written; later where they are so costly that the guest would feel it;
 * and later and later while they fail.
 */

/** Cost of the last checkpoint. */
export interface Cost {
  /** Time that the guest was kept from running. */
  busyMs: number;
  /** From its begin to its end. */
  durationMs: number;
  /** From its cut to its end: what the guest did meanwhile is not in it. */
  sinceCutMs: number;
  /** Of the guest's memory, as far as they had changed. */
  pages: number;
}

const usualMs = 1000;
const longestMs = 10_000;
/**
 * A killed guest is to come back from no more than 2 s ago. The rest is for timers that are late, and for
 * a checkpoint that takes longer than was expected.
 */
const promisedMs = 1800;
/** Shares of the time between two checkpoints that one may take, whatever is promised. */
const bearable = { busy: 0.1, duration: 0.6 } as const;
const retryMs = { first: 2000, longest: 60_000 } as const;
/** Fewer pages say nothing about the time that each takes. */
const telling = 1024;
/** Of a page, while nothing is known: twice what two processors of 2025 need. */
const usualPageMs = 0.1;

export class Pace {
  #delayMs = usualMs;
  #failures = 0;
  /** Expected duration of the next checkpoint. */
  #durationMs = 0;
  #pageMs = usualPageMs;
  #last: Cost = { busyMs: 0, durationMs: 0, sinceCutMs: 0, pages: 0 };

  /** From a guest's begin to the begin of its first checkpoint, ms. */
  get firstDelayMs(): number {
    return usualMs;
  }

  /** From the end of the last checkpoint to the begin of the next, ms. */
  get delayMs(): number {
    if (this.#failures === 0) return this.#delayMs;
    return Math.min(retryMs.first * 2 ** (this.#failures - 1), retryMs.longest);
  }

  /** When to begin to look how much the guest has written, where {@link delayMs} is longer. */
  get lookMs(): number {
    return usualMs;
  }

  /** As {@link delayMs}, for a guest that has written so many pages when they were looked at. */
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
    // Those after a long one may be as long.
    this.#durationMs = Math.max(durationMs, (this.#durationMs + durationMs) / 2);
    const targetMs = this.#targetMs(this.#durationMs);
    // One checkpoint that was dear says little about the next. What is promised does not wait, though.
    this.#delayMs = Math.min(targetMs, (this.#delayMs + targetMs) / 2);
  }

  /** A checkpoint that says nothing about the cost of the next. */
  began(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
  }

  /** @param durationMs of the next checkpoint */
  #targetMs(durationMs: number): number {
    const { busyMs, sinceCutMs } = this.#last;
    // At worst the kill comes as the next one is all but written: all since the last cut is lost.
    const promiseMs = promisedMs - sinceCutMs - durationMs;
    const bearableMs =
      Math.max(busyMs / bearable.busy, durationMs / bearable.duration) - durationMs;
    return Math.min(Math.max(promiseMs, bearableMs), longestMs);
  }
}
