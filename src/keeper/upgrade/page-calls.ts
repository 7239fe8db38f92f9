/** The calls of pages while the guest moves to another keeper: no call is lost or made twice. */
import { HoldfastError } from '../../errors.ts';
import type { KeeperAddress } from '../../protocol/keeper-lookup.ts';

export class PageCallGate {
  #movedTo: KeeperAddress | undefined;
  #held: Promise<void> | undefined;
  #release = () => {};

  /** The worker that has the guest now. */
  get movedTo(): KeeperAddress | undefined {
    return this.#movedTo;
  }

  /**
   * Makes a page's call. While the guest is between two keepers the call waits.
   * @throws HoldfastError `keeper-moved`; the call was not made, and the page makes it again elsewhere
   */
  pass(call: () => unknown): unknown {
    if (this.#movedTo !== undefined) throw keeperMoved(this.#movedTo);
    if (!this.#held) return call();
    return this.#held.then(() => this.pass(call));
  }

  /** Lets calls wait: the guest has stopped, and which keeper runs it next is open. */
  hold(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = () => {
        this.#held = undefined;
        resolve();
      };
    });
  }

  /** Makes the calls that wait: the guest continues here. */
  stays(): void {
    this.#release();
  }

  /** Refuses the calls that wait, and all others: the guest is in another keeper. */
  moved(to: KeeperAddress): void {
    this.#movedTo = to;
    this.#release();
  }
}

const keeperMoved = ({ name }: KeeperAddress) =>
  new HoldfastError(
    'keeper-moved',
    `The guest moved to a newer keeper (${name}), and runs there. Reload this page to find it.`,
  );
