/** Divides work into short parts between the guest's slices. */

export class Slices {
  readonly #turn: () => Promise<void>;
  readonly #sliceMs: number;
  #beganMs = performance.now();
  /** Total time that the guest waited. */
  busyMs = 0;

  /** `turn` lets the guest and all other tasks run, after `sliceMs` of work. */
  constructor(turn: () => Promise<void>, sliceMs: number) {
    this.#turn = turn;
    this.#sliceMs = sliceMs;
  }

  /** Starts the count, after a wait for something else. */
  start(): void {
    this.#beganMs = performance.now();
  }

  /** Stops the count, before a wait for something else. */
  end(): void {
    this.busyMs += performance.now() - this.#beganMs;
  }

  /** Call this between two small steps. It lets the guest run when its turn has come. */
  async step(): Promise<void> {
    if (performance.now() - this.#beganMs < this.#sliceMs) return;
    this.end();
    await this.#turn();
    this.start();
  }
}

/** Waits for a timeout, not a message, so that the guest's next slices come first. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
