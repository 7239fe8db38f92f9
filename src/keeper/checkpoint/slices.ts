/** Work between the guest's slices. */

export class Slices {
  readonly #turn: () => Promise<void>;
  readonly #sliceMs: number;
  #beganMs = performance.now();
  /** What the guest was kept waiting in all. */
  busyMs = 0;

  /** `turn` lets the guest run and everything else happen, after `sliceMs` of work. */
  constructor(turn: () => Promise<void>, sliceMs: number) {
    this.#turn = turn;
    this.#sliceMs = sliceMs;
  }

  /** Begins to count, after a wait for something else. */
  start(): void {
    this.#beganMs = performance.now();
  }

  /** Ends to count, before a wait for something else. */
  end(): void {
    this.busyMs += performance.now() - this.#beganMs;
  }

  /** To be called between two small steps: has the guest run when its turn has come. */
  async step(): Promise<void> {
    if (performance.now() - this.#beganMs < this.#sliceMs) return;
    this.end();
    await this.#turn();
    this.start();
  }
}

/** A timeout rather than a message: it comes behind the guest's next slices. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
