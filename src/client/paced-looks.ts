/** Tests growing data repeatedly, with pauses in proportion. */

/** Milliseconds of pause for each millisecond of a test. */
const restForEach = 9;

/**
 * The cost of a test grows with the data. A test after each new piece would cost the square of it.
 * So the pauses are proportional to the last test: tests take a tenth of the time at most.
 */
export class PacedLooks {
  readonly #look: () => void;
  #freeAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  constructor(look: () => void) {
    this.#look = look;
  }

  /** Tests at once if the pause is over, otherwise as soon as it is. */
  soon(): void {
    if (this.#timer !== undefined || this.#hasEnded) return;
    const restMs = this.#freeAtMs - performance.now();
    if (restMs <= 0) this.now();
    else this.#timer = setTimeout(() => this.now(), restMs);
  }

  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#hasEnded) return;
    const beganMs = performance.now();
    this.#look();
    const endedMs = performance.now();
    this.#freeAtMs = endedMs + restForEach * (endedMs - beganMs);
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }
}
