/** An operation that a device waits for. */
export interface Operation {
  device: string;
  start: number;
  length: number;
  /** `performance.now()` when it began. */
  sinceMs: number;
  /** Gives it up: the guest sees a disk error. */
  fail(): void;
}

/** The operations of all disks that are under way. */
export class InFlight {
  readonly #operations = new Set<Operation>();
  readonly #waiting = new Set<() => void>();

  get operations(): ReadonlySet<Operation> {
    return this.#operations;
  }

  of(device: string): Operation[] {
    return [...this.#operations].filter((operation) => operation.device === device);
  }

  begin(operation: Operation): void {
    this.#operations.add(operation);
  }

  /** To be called after the device was told. */
  end(operation: Operation): void {
    this.#operations.delete(operation);
    this.#wakeNext();
  }

  /**
   * One at a time: whoever is woken may take the guest and let it run on, a checkpoint for example,
   * and then it is not idle for the next one.
   */
  #wakeNext(): void {
    const [next] = this.#waiting;
    if (this.#operations.size || !next) return;
    this.#waiting.delete(next);
    next();
    if (this.#waiting.size) setTimeout(() => this.#wakeNext());
  }

  /**
   * Resolves with true as soon as nothing is under way: in the very task in which the last operation
   * ended, so before the guest can begin another one. With false after `limitMs`.
   */
  whenIdle(limitMs: number): Promise<boolean> {
    if (!this.#operations.size) return Promise.resolve(true);
    return new Promise((resolve) => {
      const idle = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(idle);
        resolve(false);
      }, limitMs);
      this.#waiting.add(idle);
    });
  }
}
