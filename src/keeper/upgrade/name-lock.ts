/** [KL3] The Web Lock by which pages find a keeper. */
import { firstNameOf, type KeeperAddress, keeperLockName } from '../../protocol/keeper-lookup.ts';
import { webLocks } from '../../protocol/web-locks.ts';

export class NameLock {
  /** Empty for a worker that ends with its page. */
  readonly #name: string;
  /** Pages of the same build find this keeper without the lock. */
  readonly #isFirst: boolean;
  #held: { ready: Promise<void>; release: AbortController } | undefined;
  #isReady = false;

  constructor(address: KeeperAddress) {
    this.#name = address.name && keeperLockName(address);
    this.#isFirst = firstNameOf(address.name) === address.name;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Requests the lock.
   * @returns undefined if pages find this keeper, or else a promise that resolves once they do
   */
  hold(): Promise<void> | undefined {
    if (this.#name === '') return undefined;
    this.#held ??= this.#request();
    return this.#isFirst || this.#isReady ? undefined : this.#held.ready;
  }

  /** The machine is not in this keeper. */
  release(): void {
    this.#held?.release.abort();
    this.#held = undefined;
    this.#isReady = false;
  }

  #request(): { ready: Promise<void>; release: AbortController } {
    const release = new AbortController();
    const { signal } = release;
    const ready = new Promise<void>((resolve) => {
      const untilReleased = () =>
        new Promise<void>((released) => {
          this.#isReady = true;
          resolve();
          signal.addEventListener('abort', () => released());
        });
      const requested = webLocks()?.request(this.#name, { signal }, untilReleased);
      if (!requested) resolve();
      requested?.catch((thrown) => {
        if (!signal.aborted) console.warn('Other pages may not find this keeper:', thrown);
        resolve();
      });
    });
    return { ready, release };
  }
}
