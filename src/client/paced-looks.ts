/** Looks again and again at something that grows, without looking all the time. */

/** A look that took 1 ms is followed by this many ms without one. */
const restForEach = 9;

/**
 * Each look costs as much as there is to look at. One for each piece that is added would cost the
 * square of it, so looks rest in proportion to what the last one took: a tenth of the time at most.
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

  /** At once where the last look was long enough ago, else as soon as it is. */
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
