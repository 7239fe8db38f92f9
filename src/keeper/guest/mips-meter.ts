/** Millions of instructions per second, from a 32-bit counter that wraps. */
export class MipsMeter {
  #counter = 0;
  #atMs = 0;

  /** Restarts the measurement: earlier time does not count. */
  restart(counter: number, nowMs: number): void {
    this.#counter = counter >>> 0;
    this.#atMs = nowMs;
  }

  /** Returns the rate since the last call, or since {@link restart}. */
  sample(counter: number, nowMs: number): number {
    const instructions = (counter - this.#counter) >>> 0;
    const elapsedMs = nowMs - this.#atMs;
    this.restart(counter, nowMs);
    return elapsedMs > 0 ? instructions / elapsedMs / 1000 : 0;
  }
}
