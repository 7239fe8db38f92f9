/** Memory that a state may take: a default amount without approval, more with approval. */
import { HoldfastError } from '../errors.ts';
import { stateLimits } from './format/state-limits.ts';

export class AskedRoom {
  readonly #ask: (sizeBytes: number) => void;
  #takenBytes = 0;
  #allowedBytes: number = stateLimits.unaskedBytes;
  #answered: ((isAllowed: boolean) => void) | undefined;

  /** @param ask asks whether the state may grow to this size; {@link answer} is then called */
  constructor(ask: (sizeBytes: number) => void) {
    this.#ask = ask;
  }

  /** Takes room, and waits for approval if needed. @throws HoldfastError `not-approved` */
  take(bytes: number): Promise<void> | void {
    this.#takenBytes += bytes;
    if (this.#takenBytes > this.#allowedBytes) return this.#more();
  }

  answer(isAllowed: boolean): void {
    this.#answered?.(isAllowed);
  }

  async #more(): Promise<void> {
    let wanted = this.#allowedBytes;
    while (wanted < this.#takenBytes) wanted *= 2;
    wanted = Math.min(wanted, stateLimits.blobBytes);
    const answer = new Promise<boolean>((resolve) => {
      this.#answered = resolve;
    });
    this.#ask(wanted);
    if (!(await answer)) {
      throw new HoldfastError(
        'not-approved',
        `This state unpacks to more than ${this.#allowedBytes / 2 ** 20} MiB, besides the memory of its machine. That was not approved.`,
      );
    }
    this.#allowedBytes = wanted;
  }
}
