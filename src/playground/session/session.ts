/** This page's connection to the guest, across reconnects, and the operation that is under way. */
import type { ConnectOptions, Machine } from '../../client/types.ts';
import { HoldfastError } from '../../errors.ts';
import { connect } from '../../index.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import type { Operation } from './operation.ts';

/** Where the guest of this page comes from. */
export type GuestSource = 'attached' | 'booted' | 'resumed' | 'opened' | 'watching';

type Failed = (error: HoldfastError, operation: Operation) => void;

export class Session {
  #machine: Machine | null = null;
  #busy: Operation | null = null;
  #guestSource: GuestSource | null = null;
  /** The reason why the connection ended. */
  #lost: HoldfastError | undefined;
  #isSavedAway = false;
  /** The guest moves out of a keeper of another ABI although not everything follows it. */
  overridesBlockers = false;
  #connectOptions: ConnectOptions & { machineId: string };
  readonly #takeWorker: () => Promise<ConnectOptions['worker']>;
  readonly #machineListeners: ((machine: Machine) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  readonly #failureListeners: Failed[] = [];

  /**
   * @param connectOptions with the id of the page's machine
   * @param takeWorker returns a preloaded keeper; called at each connection
   */
  constructor(
    connectOptions: ConnectOptions & { machineId: string },
    takeWorker: () => Promise<ConnectOptions['worker']>,
  ) {
    this.#connectOptions = connectOptions;
    this.#takeWorker = takeWorker;
  }

  /** Id of this page's machine, even if no such machine exists. */
  get machineId(): string {
    return this.#connectOptions.machineId;
  }

  get machine(): Machine | null {
    return this.#machine;
  }

  get status(): MachineStatus | null {
    return this.#machine?.status ?? null;
  }

  /** The operation of this page that is under way. */
  get busy(): Operation | null {
    return this.#busy;
  }

  get guestSource(): GuestSource | null {
    return this.#guestSource;
  }

  /** This page has saved the guest and shut it down, and has not loaded or started one since. */
  get isSavedAway(): boolean {
    return this.#isSavedAway;
  }

  /** The guest runs in another tab. This page shows it, and cannot control it. */
  get isWatching(): boolean {
    return this.#machine?.watching != null;
  }

  /** Called with every machine that this page connects to, before its status is read. */
  onMachine(listener: (machine: Machine) => void): void {
    this.#machineListeners.push(listener);
  }

  /** Called when a getter's value may have changed. */
  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /** Failures outside of any operation: input, and the connection itself. */
  onFailure(listener: Failed): void {
    this.#failureListeners.push(listener);
  }

  /** Connects, or connects again. */
  connect(): Promise<void> {
    return this.#occupied('connect', async () => {
      this.#machine?.close();
      this.#machine = null;
      this.#lost = undefined;
      this.#guestSource = null;
      const worker = await this.#takeWorker();
      const options = { ...this.#connectOptions, ...(worker && { worker }) };
      const upgrade = this.overridesBlockers ? 'override' : 'needed';
      this.#use(await connect({ ...options, upgrade }));
    });
  }

  /** Connects to the keeper of another machine, in addition to the present one. */
  connectTo(machineId: string): Promise<Machine> {
    return connect({ ...this.#connectOptions, machineId });
  }

  /**
   * Shows another machine, which was just started over {@link connectTo}. The previous machine keeps
   * running. If its worker ends with this page, the machine is saved first.
   */
  moveTo(machine: Machine, machineId: string): Promise<void> {
    return this.#occupied('connect', async () => {
      const before = this.#machine;
      if (before?.survivesReload === false && before.status?.config.durable)
        await before.checkpoint().catch(() => {});
      before?.close();
      this.#lost = undefined;
      this.#connectOptions = { ...this.#connectOptions, machineId };
      this.#use(machine);
      this.setGuestSource('booted');
    });
  }

  #use(machine: Machine): void {
    this.#machine = machine;
    machine.onLost((error) => {
      if (this.#machine !== machine) return;
      this.#machine = null;
      this.#lost = error;
      this.#guestSource = null;
      this.changed();
      this.#fail(error, 'run');
    });
    for (const listener of this.#machineListeners) listener(machine);
    machine.on('status', () => {
      // Another page has moved the watched guest to this page's keeper.
      if (this.#guestSource === 'watching' && !this.isWatching && !this.#busy)
        this.#guestSource = 'attached';
      this.changed();
    });
    machine.on('error', ({ code, message }) => this.#fail(new HoldfastError(code, message), 'run'));
  }

  /** Records the source of a guest that was there before this page started one. */
  attached(source: GuestSource): void {
    this.#guestSource = source;
    this.changed();
  }

  /**
   * Resolves once a guest exists.
   * @returns whether one did within `timeoutMs`
   */
  anyStatus(timeoutMs: number): Promise<boolean> {
    if (this.status) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (came: boolean) => {
        stop?.();
        clearTimeout(timer);
        resolve(came);
      };
      const timer = setTimeout(() => settle(false), timeoutMs);
      const stop = this.#machine?.on('status', () => settle(true));
    });
  }

  /** Records that this page has started, resumed or opened a guest, or watches one of another tab. */
  setGuestSource(source: GuestSource): void {
    this.#guestSource = source;
    this.#isSavedAway = false;
  }

  /** @param isAway whether the guest was saved and shut down; false: it was loaded again */
  savedAway(isAway: boolean): void {
    this.#isSavedAway = isAway;
  }

  /**
   * The machine of this page.
   * @throws HoldfastError `keeper-gone`, or the error that ended the connection
   */
  get connected(): Machine {
    if (this.#machine) return this.#machine;
    throw this.#lost ?? new HoldfastError('keeper-gone', 'This page is not connected to a keeper.');
  }

  /** Sends input to the guest. Input is dropped while the guest cannot take it. */
  send(call: (machine: Machine) => Promise<void>): void {
    if (!this.#machine) return;
    call(this.#machine).catch((thrown: unknown) => {
      const error = HoldfastError.from(thrown, 'internal', 'Input did not reach the guest');
      const expected: HoldfastError['code'][] = ['no-machine', 'bad-runstate', 'busy'];
      // onLost reports a lost connection, once.
      const reportedElsewhere: HoldfastError['code'][] = ['keeper-gone', 'keeper-silent'];
      if (![...expected, ...reportedElsewhere].includes(error.code)) this.#fail(error, 'input');
    });
  }

  /**
   * Runs one operation on the machine; the page has one at a time.
   * @throws HoldfastError `busy`, `keeper-gone`, or an error of the operation
   */
  async run<T>(operation: Operation, work: (machine: Machine) => Promise<T>): Promise<T> {
    const machine = this.connected;
    return this.#occupied(operation, () => work(machine));
  }

  async #occupied<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new HoldfastError('busy', `This page is busy: ${this.#busy}.`);
    this.#busy = operation;
    this.changed();
    try {
      return await work();
    } finally {
      this.#busy = null;
      this.changed();
    }
  }

  #fail(error: HoldfastError, operation: Operation): void {
    for (const listener of this.#failureListeners) listener(error, operation);
  }

  /** Notifies all parts of the page of a change. */
  changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}
