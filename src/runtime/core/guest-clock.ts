/**
 * The clock that a guest reads. While it finds out how fast its time-stamp counter runs (see
 * measures-time.ts), it must not notice that the computer has taken the processor away: what passes
 * between two looks is then as little as between two instructions. It is made up for afterwards.
 */
import { isCalibratingTimer, type Pit } from './calibrating-timer.ts';

/** Two looks of a guest that does nothing else are some microseconds apart, ms. */
const longestStepMs = 0.05;
/** Of a guest that still measures after that something else is true, ms. */
const longestLagMs = 2000;

export class GuestClock {
  /** Once the machine has one. */
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

  /** To be called when the guest has stood still: that time did pass. */
  resume(): void {
    this.#lastMs = this.#clock() - this.#lagMs;
  }
}
