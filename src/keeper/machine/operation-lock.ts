import { HoldfastError } from '../../errors.ts';

/** Excludes the operations of a machine from each other. */
export class OperationLock {
  #current: string | undefined;

  /** The operation that is under way. */
  get current(): string | undefined {
    return this.#current;
  }

  /**
   * @param operation for people: `A restart`
   * @throws HoldfastError `busy`
   */
  async run<T>(operation: string, action: () => Promise<T>): Promise<T> {
    if (this.#current !== undefined) {
      throw new HoldfastError(
        'busy',
        `${this.#current} of this machine is under way: wait for its end.`,
      );
    }
    this.#current = operation;
    try {
      return await action();
    } finally {
      this.#current = undefined;
    }
  }
}
