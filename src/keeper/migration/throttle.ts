/** Slows a guest down: it stands still for a share of each period. */
import type { Execution } from '../guest/execution.ts';

const periodMs = 50;

export class Throttle {
  readonly #execution: Pick<Execution, 'hold' | 'release'>;
  #percent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;

  constructor(execution: Pick<Execution, 'hold' | 'release'>) {
    this.#execution = execution;
  }

  /** @param percent 0 to 99 */
  set(percent: number): void {
    this.#percent = percent;
    if (percent > 0 && this.#timer === undefined) this.#hold();
  }

  /** Lets the guest run at its own speed. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#percent = 0;
    this.#release();
  }

  #hold(): void {
    this.#execution.hold();
    this.#isHeld = true;
    this.#timer = setTimeout(() => this.#run(), (periodMs * this.#percent) / 100);
  }

  #run(): void {
    this.#release();
    this.#timer =
      this.#percent > 0
        ? setTimeout(() => this.#hold(), (periodMs * (100 - this.#percent)) / 100)
        : undefined;
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#execution.release();
  }
}
