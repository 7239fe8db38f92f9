/** Checks growing data repeatedly, with pauses in proportion. */

/** Milliseconds of pause for each millisecond of a check. */
const restForEach = 9;

/**
 * The cost of a check grows with the data. A check after each new chunk would cost the square of it.
 * So the pauses are proportional to the last check: checks take a tenth of the time at most.
 */
export class PacedCheck {
  readonly #check: () => void;
  #freeAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  constructor(check: () => void) {
    this.#check = check;
  }

  /** Checks at once if the pause is over, otherwise as soon as it is. */
  request(): void {
    if (this.#timer !== undefined || this.#hasEnded) return;
    const restMs = this.#freeAtMs - performance.now();
    if (restMs <= 0) this.run();
    else this.#timer = setTimeout(() => this.run(), restMs);
  }

  run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#hasEnded) return;
    const beganMs = performance.now();
    this.#check();
    const endedMs = performance.now();
    this.#freeAtMs = endedMs + restForEach * (endedMs - beganMs);
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }
}
