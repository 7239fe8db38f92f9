/**
 * When the next checkpoint is due. About a second after the last one, unless checkpoints are so
 * costly that the guest would feel it; and later and later while they fail.
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
/** Shares of the time between two checkpoints that the last one's cost may take. */
const most = { busy: 0.03, duration: 0.4 } as const;
const retryMs = { first: 2000, longest: 60_000 } as const;

export class Pace {
  #delayMs = usualMs;
  #failures = 0;

  /** From the end of the last checkpoint to the begin of the next, ms. */
  get delayMs(): number {
    if (this.#failures === 0) return this.#delayMs;
    return Math.min(retryMs.first * 2 ** (this.#failures - 1), retryMs.longest);
  }

  succeeded({ busyMs, durationMs }: Cost): void {
    this.#failures = 0;
    const needMs = Math.max(busyMs / most.busy, durationMs / most.duration) - durationMs;
    const targetMs = Math.min(Math.max(needMs, usualMs), longestMs);
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
