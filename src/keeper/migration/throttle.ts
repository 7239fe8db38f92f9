/** Slows a guest down: it stands still for a share of the time. */
import type { Execution } from '../guest/execution.ts';

/**
 * Time that it runs in between, ms, as in QEMU. With a fixed period, the emulator's shortest slice would be
 * a large part of it: a guest would write as much as before.
 */
const runMs = 10;

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
    const heldMs = (runMs * this.#percent) / (100 - this.#percent);
    this.#timer = setTimeout(() => this.#run(), heldMs);
  }

  #run(): void {
    this.#release();
    this.#timer = this.#percent > 0 ? setTimeout(() => this.#hold(), runMs) : undefined;
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#execution.release();
  }
}
