import { HoldfastError } from '../errors.ts';
import { type CallName, formerNames } from '../protocol/keeper-calls.ts';
import { callsOf, type KeeperWire, type RemoteKeeper } from '../protocol/rpc.ts';
import { reportListenerError } from './report-listener-error.ts';

export interface KeeperConnectionOptions {
  /** Silence after which the keeper counts as unresponsive, ms. */
  silenceMs: number;
}

/** Longest wait for the former keeper's last answers, ms. It may have ended. */
const fenceMs = 2_000;

/** A silence is this many pings in a row without an answer. */
const missedPings = 5;

/**
 * Calls that cannot hang. A message to a dead worker is never answered, and nothing reports it. So
 * every call races against the end of the connection. While calls are pending, the connection pings
 * the keeper: a call may take its time as long as pings are answered.
 *
 * The connection counts missed pings and does not read the clock. A page that was asleep, or whose
 * timers are throttled, has not listened. Each of its ticks counts once, however late it is.
 */
export class KeeperConnection {
  /** Rejects every call with the reason when the connection ends. */
  readonly keeper: RemoteKeeper;
  #wire: KeeperWire;
  readonly #pingMs: number;
  readonly #pending = new Set<(error: HoldfastError) => void>();
  readonly #lostListeners = new Set<(error: HoldfastError) => void>();
  /** Whether calls that a keeper refuses because its guest moved wait for {@link follow}. */
  follows = false;
  /** Calls for the keeper that the guest moved to, by their numbers. Undefined while it stays. */
  #moving: Map<number, () => void> | undefined;
  #calls = 0;
  #methods: readonly string[] | undefined;
  #lost: HoldfastError | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #missed = 0;
  #pingUnanswered = false;

  constructor(wire: KeeperWire, { silenceMs }: KeeperConnectionOptions) {
    this.#wire = wire;
    // The first ping goes out after one interval.
    this.#pingMs = silenceMs / (missedPings + 1);
    this.keeper = callsOf((name, args) => this.call(name, args));
  }

  /**
   * From now on a call is made by the name that is among `methods`. The keeper may be older than this
   * page: a call that it has no name for is rejected with `keeper-incompatible`.
   */
  restrictTo(methods: readonly string[]): void {
    this.#methods = methods;
  }

  /** Makes one of the calls of {@link keeper}, by its name. */
  call(name: CallName, args: unknown[]): Promise<unknown> {
    return this.#callAs(this.#calls++, name, args);
  }

  #callAs(number: number, name: CallName, args: unknown[]): Promise<unknown> {
    if (this.#lost) return Promise.reject(this.#lost);
    if (this.#moving) return this.#callLater(number, name, args);
    const known = this.#nameThere(name);
    if (known === undefined) return Promise.reject(unknownTo(name));
    const wire = this.#wire;
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      this.#listen();
      wire
        .call(known, args)
        .catch((thrown) => {
          if (!this.follows || !isMoved(thrown)) throw thrown;
          // The call was not made there.
          if (wire === this.#wire) this.moves();
          if (args.some((arg) => arg instanceof MessagePort)) throw portIsGone();
          return this.#callAs(number, name, args);
        })
        .then(resolve, reject)
        .finally(() => {
          this.#pending.delete(reject);
          this.#onAnswer();
        });
    });
  }

  #callLater(number: number, name: CallName, args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      this.#moving?.set(number, () => {
        this.#pending.delete(reject);
        this.#callAs(number, name, args).then(resolve, reject);
      });
    });
  }

  /** The guest moves to another keeper. From now on calls wait for {@link follow}. */
  moves(): void {
    this.#moving ??= new Map();
  }

  /**
   * Makes all calls over another wire from now on, in the order in which they were made. The former keeper
   * refuses what reaches it after the move.
   * @param methods names of the calls that the other keeper answers
   */
  async follow(wire: KeeperWire, methods: readonly string[]): Promise<void> {
    const former = this.#wire;
    // Its answer comes after every refusal.
    await within(fenceMs, former.call('ping', []));
    this.#wire = wire;
    this.#methods = methods;
    const waiting = [...(this.#moving ?? [])].sort(([a], [b]) => a - b);
    this.#moving = undefined;
    this.#onAnswer();
    for (const [, make] of waiting) make();
  }

  /** Called at once when the connection is lost already. Not called for {@link close}. */
  onLost(listener: (error: HoldfastError) => void): () => void {
    if (this.#lost) queueMicrotask(() => this.#lost && notify(listener, this.#lost));
    else this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  /** Ends the connection, because the keeper is gone or does not answer. Final. */
  lose(error: HoldfastError): void {
    if (this.#lost) return;
    const listeners = [...this.#lostListeners];
    this.#end(error);
    for (const listener of listeners) queueMicrotask(() => notify(listener, error));
  }

  /** Ends the connection from this side; pending calls are rejected. */
  close(): void {
    if (this.#lost) return;
    this.#end(
      new HoldfastError('keeper-gone', 'This page has closed its connection to the keeper.'),
    );
    this.#wire.release();
  }

  #end(error: HoldfastError): void {
    this.#lost = error;
    this.#lostListeners.clear();
    clearInterval(this.#timer);
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const reject of pending) reject(error);
  }

  /** The name of this call at the other end, which may be of another release. */
  #nameThere(name: CallName): string | undefined {
    const names = [name, formerNames[name]];
    return this.#methods ? names.find((each) => each && this.#methods?.includes(each)) : name;
  }

  /** Pings while calls are pending; the tick after the last one ends it. */
  #listen(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), this.#pingMs);
  }

  #tick(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    // The former keeper may have ended; the attempt to follow has a limit of its own.
    if (this.#moving) return;
    if (this.#pingUnanswered && ++this.#missed >= missedPings) {
      this.lose(
        new HoldfastError(
          'keeper-silent',
          `The keeper has not answered ${missedPings} pings in a row. Its guest may still run: reload the page to try again.`,
        ),
      );
      return;
    }
    if (this.#pingUnanswered) return;
    this.#pingUnanswered = true;
    const onAnswer = () => this.#onAnswer();
    this.#wire.call('ping', []).then(onAnswer, onAnswer);
  }

  #onAnswer(): void {
    this.#missed = 0;
    this.#pingUnanswered = false;
  }
}

function unknownTo(name: string): HoldfastError {
  return new HoldfastError(
    'keeper-incompatible',
    `The keeper that is running is older than this page and does not know "${name}". Move the guest to this page's keeper first: upgradeKeeper().`,
  );
}

/** A port is sent only once. */
const portIsGone = () =>
  new HoldfastError('busy', 'The guest moved to another keeper meanwhile: try again.');

const isMoved = (thrown: unknown) =>
  thrown instanceof HoldfastError && thrown.code === 'keeper-moved';

/** Waits for a promise to settle, at most this long. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.catch(() => {}), late]);
  clearTimeout(timer);
}

function notify(listener: (error: HoldfastError) => void, error: HoldfastError): void {
  try {
    listener(error);
  } catch (thrown) {
    reportListenerError(thrown);
  }
}
