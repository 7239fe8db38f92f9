/**
 * The clock that a guest reads. A guest that measures its time-stamp counter (see calibrating-timer.ts)
 * must not notice that the computer has taken the processor away. During the measurement, two
 * reads are at most as far apart as a few instructions take. The clock catches up afterwards.
 */
import { isCalibratingTimer, type Pit } from './calibrating-timer.ts';

/** Two reads of a guest that does nothing else are some microseconds apart, ms. */
const longestStepMs = 0.05;
/** A guest that still measures after this time does something else, ms. */
const longestLagMs = 2000;

export class GuestClock {
  /** Set once the machine has a PIT. */
  pit: Pit | undefined;
  readonly #clock: () => number;
  #lastMs = 0;
  #lagMs = 0;

  /** @param clock the keeper's: strictly increasing */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Milliseconds, strictly increasing. */
  readonly now = (): number => {
    const realMs = this.#clock();
    if (!isCalibratingTimer(this.pit, this.#lastMs)) {
      this.#lagMs = 0;
      this.#lastMs = realMs;
      return realMs;
    }
    const excessMs = realMs - this.#lagMs - this.#lastMs - longestStepMs;
    if (excessMs > 0 && this.#lagMs + excessMs < longestLagMs) this.#lagMs += excessMs;
    this.#lastMs = realMs - this.#lagMs;
    return this.#lastMs;
  };

  /** Call this after the guest was stopped: that time did pass. */
  resume(): void {
    this.#lastMs = this.#clock() - this.#lagMs;
  }
}
