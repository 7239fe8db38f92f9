/**
 * The clock of a guest: `performance.now()`, but no two readings are equal, because v86 takes the
 * first difference it sees for the clock's resolution. All runtimes of a machine share one clock,
 * so that a hand-over never sets it back.
 */
export class MachineClock {
  #offsetMs = 0;
  #last = 0;
  #stoppedAtMs: number | undefined;

  /** Milliseconds, strictly increasing. */
  readonly now = (): number => {
    const now = performance.now() + this.#offsetMs;
    // 1e-6 is above the rounding of a double for the first hundred days.
    this.#last = now > this.#last ? now : this.#last + 1e-6;
    return this.#last;
  };

  /**
   * Continues from a reading that was taken in another worker. The devices of a guest hold times of
   * this clock. The time between the two workers does not exist for them.
   * @throws RangeError unless `reading` is a time
   */
  continueFrom(reading: number): void {
    if (!(Number.isFinite(reading) && reading >= 0)) {
      throw new RangeError(`${reading} is not a reading of a clock`);
    }
    this.#offsetMs = reading - performance.now();
    this.#last = reading;
    this.#stoppedAtMs = undefined;
  }

  /**
   * Excludes the time from now to {@link resume} from the clock. Until then readings still advance,
   * for runtimes that are being prepared; the stopped guest takes none.
   */
  stop(): void {
    this.#stoppedAtMs ??= this.now();
  }

  /** Reading from which {@link resume} continues, if the clock was stopped. */
  get stoppedAtMs(): number | undefined {
    return this.#stoppedAtMs;
  }

  /** Like {@link stop}, at a reading that was taken in another worker. */
  stopAt(reading: number): void {
    this.#stoppedAtMs = reading;
  }

  /** Undoes {@link stop}, if nothing else has set the clock since. */
  resume(): void {
    if (this.#stoppedAtMs !== undefined) this.continueFrom(this.#stoppedAtMs);
  }
}
