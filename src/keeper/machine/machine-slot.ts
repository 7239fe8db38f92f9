/** The slot for a keeper's one machine, and its lock among all keepers. */
import { HoldfastError } from '../../errors.ts';
import { MachineClaims } from '../durable/machine-lock.ts';
import { channelLink } from '../pages/page-link.ts';
import type { Pages } from '../pages/pages.ts';
import type { MachineHost } from './machine-host.ts';

export class MachineSlot {
  readonly #pages: Pages;
  readonly #keeperLock: string | undefined;
  #machine: MachineHost | undefined;
  /** Set while a machine is being created; aborting it cancels that. */
  #starting: AbortController | undefined;
  #startingEnded: Promise<void> = Promise.resolve();
  readonly #claims = new MachineClaims({
    giveUp: (id) => void this.#giveUp(id),
    watch: (id, channel) => this.#addWatcher(id, channel),
  });

  constructor(pages: Pages, keeperLock: string | undefined) {
    this.#pages = pages;
    this.#keeperLock = keeperLock;
  }

  get machine(): MachineHost | undefined {
    return this.#machine;
  }

  /** @throws HoldfastError `no-machine` */
  get present(): MachineHost {
    if (!this.#machine) throw noMachine();
    return this.#machine;
  }

  get isStarting(): boolean {
    return this.#starting !== undefined;
  }

  /** @throws HoldfastError as {@link MachineClaims.hold} */
  hold(machineId: string, until?: AbortSignal): Promise<void> {
    return this.#claims.hold(machineId, until);
  }

  holds(machineId: string): boolean {
    return this.#claims.holds(machineId);
  }

  /** Lets another keeper hold the machine that is here. */
  letGo(): void {
    this.#claims.keepOnly(undefined);
  }

  /** Resolves when the outcome of the last {@link hold} is known. Never rejects. */
  settled(): Promise<void> {
    return this.#claims.settled();
  }

  /**
   * Creates a machine with `build`. The present machine stays untouched until the new one replaces
   * it.
   * @throws HoldfastError `busy` while another one is built
   */
  async fill<T>(
    build: (signal: AbortSignal) => Promise<{ machine: MachineHost; result: T }>,
  ): Promise<T> {
    if (this.#starting) {
      throw new HoldfastError('busy', 'A machine is being started: wait for it, or destroy it.');
    }
    const starting = new AbortController();
    this.#starting = starting;
    let ended = () => {};
    this.#startingEnded = new Promise((resolve) => {
      ended = resolve;
    });
    try {
      const { machine, result } = await build(starting.signal);
      this.#machine?.end({ replaced: true });
      this.#pages.endWatches();
      this.#machine = machine;
      machine.show();
      this.#claims.announce(machine.id);
      return result;
    } finally {
      this.#starting = undefined;
      this.#claims.keepOnly(this.#machine?.id);
      ended();
    }
  }

  /** Resolves once no machine is being built, or after this time. */
  async vacant(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#startingEnded, late]);
    clearTimeout(timer);
  }

  /** Ends the present machine and one that is being built. @throws HoldfastError `no-machine` */
  destroy(): void {
    if (!this.#machine && !this.#starting) throw noMachine();
    this.#starting?.abort(
      new HoldfastError('no-machine', 'The machine was destroyed while it was being started.'),
    );
    if (this.#machine) this.end(this.#machine);
    else this.#release();
  }

  /** Ends a machine. If it was already destroyed or replaced, the slot is left alone. */
  end(machine: MachineHost, reason?: HoldfastError): void {
    if (this.#machine === machine) this.#machine = undefined;
    machine.end({ ...(reason && { reason }) });
    this.#release();
  }

  #release(): void {
    this.#pages.endWatches();
    this.#claims.keepOnly(this.#machine?.id);
  }

  /** Saves and ends this machine here, because another keeper wants to run it. */
  async #giveUp(id: string): Promise<void> {
    const machine = this.#machine;
    if (machine?.id !== id) {
      this.#claims.keepOnly(machine?.id);
      return;
    }
    await machine.durability.checkpoint({ urgent: true }).catch((thrown) => {
      console.warn('A machine that another tab takes over could not be saved first:', thrown);
    });
    const message = 'Another tab took over this machine. It continues there.';
    this.end(machine, new HoldfastError('taken-over', message));
  }

  /** Adds a watching page of another keeper. Channel and lock have one name. */
  #addWatcher(id: string, channel: string): void {
    // Without the machine, no answer: waiting watchers receive the announcement later.
    if (this.#machine?.id !== id) return;
    const link = channelLink(channel, this.#keeperLock);
    this.#pages.add(link, channel, channel, this.#machine.view.greeting());
  }
}

export function noMachine(): HoldfastError {
  return new HoldfastError('no-machine', 'There is no machine: start one first.');
}
