/**
 * The time that a guest lives in: `performance.now()`, but no two readings are the same, because v86
 * takes the first difference it sees for the clock's resolution. One clock for all runtimes of a
 * machine, so that a hand-over never goes back.
 */
export class MachineClock {
  #offsetMs = 0;
  #last = 0;
  /** What {@link goOn} continues from. */
  #stoppedAt: number | undefined;

  /** Milliseconds, strictly increasing. */
  readonly now = (): number => {
    const now = performance.now() + this.#offsetMs;
    // 1e-6 is above the rounding of a double for the first hundred days.
    this.#last = now > this.#last ? now : this.#last + 1e-6;
    return this.#last;
  };

  /**
   * Goes on from a reading that was taken in another worker. The devices of a guest hold times of
   * this clock: what happened between the two workers' lives has not happened for them.
   * @throws RangeError unless `reading` is a time
   */
  continueFrom(reading: number): void {
    if (!(Number.isFinite(reading) && reading >= 0)) {
      throw new RangeError(`${reading} is not a reading of a clock`);
    }
    this.#offsetMs = reading - performance.now();
    this.#last = reading;
    this.#stoppedAt = undefined;
  }

  /**
   * What passes from here to {@link goOn} will not have passed. Readings go on meanwhile, for runtimes that
   * are made ready; the guest, which stands still, takes none.
   */
  stop(): void {
    this.#stoppedAt ??= this.now();
  }

  /** Undoes {@link stop}, if that was the last that happened to the clock. */
  goOn(): void {
    if (this.#stoppedAt !== undefined) this.continueFrom(this.#stoppedAt);
  }
}
