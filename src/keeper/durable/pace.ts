/**
 * When the next checkpoint is due. About a second after the last one; later where checkpoints are so
 * costly that the guest would feel it, as long as no more than two seconds of it can be lost; and later
 * and later while they fail.
 */

/** What the last checkpoint cost, ms. */
export interface Cost {
  /** Time that the guest was kept from running. */
  busyMs: number;
  /** From its begin to its end. */
  durationMs: number;
}

const usualMs = 1000;
const longestMs = 10_000;
/** A killed guest is to come back from no more than 2 s ago; the rest is for checkpoints that take longer. */
const promisedMs = 1500;
/** Shares of the time between two checkpoints that the last one's cost may take. */
const comfortable = { busy: 0.03, duration: 0.4 } as const;
/** The same where the promise is at stake. */
const bearable = { busy: 0.1, duration: 0.6 } as const;
const retryMs = { first: 2000, longest: 60_000 } as const;

export class Pace {
  #delayMs = usualMs;
  #failures = 0;

  /** From a guest's begin to the begin of its first checkpoint, ms. */
  get firstDelayMs(): number {
    return usualMs;
  }

  /** From the end of the last checkpoint to the begin of the next, ms. */
  get delayMs(): number {
    if (this.#failures === 0) return this.#delayMs;
    return Math.min(retryMs.first * 2 ** (this.#failures - 1), retryMs.longest);
  }

  succeeded(cost: Cost): void {
    this.#failures = 0;
    const wantedMs = Math.max(usualMs, delayFor(cost, comfortable));
    // At worst the cut is made as the next checkpoint begins, and the kill comes as it is all but
    // written: what is lost then is the delay and both of their durations.
    const promiseMs = Math.max(promisedMs - 2 * cost.durationMs, delayFor(cost, bearable));
    const targetMs = Math.min(wantedMs, promiseMs, longestMs);
    // One checkpoint that was dear says little about the next.
    this.#delayMs += (targetMs - this.#delayMs) / 2;
  }

  /** A checkpoint that says nothing about the cost of the next. */
  began(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
  }
}

function delayFor({ busyMs, durationMs }: Cost, most: Record<'busy' | 'duration', number>): number {
  return Math.max(busyMs / most.busy, durationMs / most.duration) - durationMs;
}
