/**
 * Tells one end of a port when the other one is gone, which a MessagePort does not in every browser.
 * Every worker holds a lock for as long as it lives: the browser gives it to whoever waits for it when
 * the worker ends, however it does. Where there are no locks, the other end's silence says it.
 */
import { randomId } from './random-id.ts';
import { webLocks } from './web-locks.ts';

/** Messages of both ends about being alive. Earlier releases name no lock. */
export type Heartbeat = { alive: true; lock?: string };

const heartbeatMs = 5_000;
/** Workers of hidden pages may be slowed down a lot. */
const silenceMs = 120_000;
/**
 * A lock may come before what its holder had sent last. So much silence in a row means that nothing is
 * on its way: in between this worker has come to take what there is.
 */
const drainRounds = { rounds: 4, roundMs: 50 } as const;

export class PeerLiveness {
  readonly #port: MessagePort;
  readonly #gone: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #over = new AbortController();
  #heardMs = performance.now();

  /** @param gone called at most once */
  constructor(port: MessagePort, gone: () => void) {
    this.#port = port;
    this.#gone = gone;
    this.#timer = setInterval(() => {
      this.#say({ alive: true });
      if (performance.now() - this.#heardMs > silenceMs) this.#end();
    }, heartbeatMs);
    void livenessLock().then((lock) => lock && this.#say({ alive: true, lock }));
  }

  /** To be told of everything that comes. */
  heard(message: object): void {
    this.#heardMs = performance.now();
    const { signal } = this.#over;
    if (!('lock' in message) || typeof message.lock !== 'string' || signal.aborted) return;
    // Several ports may wait for one worker.
    webLocks()
      ?.request(message.lock, { signal, mode: 'shared' }, () => this.#listenOut())
      .catch((thrown) => {
        if (!signal.aborted) console.warn('The end of a transfer will be noticed late:', thrown);
      });
  }

  /** Nobody need be told any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#over.abort();
  }

  async #listenOut(): Promise<void> {
    let heardMs = this.#heardMs;
    for (let silent = 0; silent < drainRounds.rounds; silent++) {
      await new Promise((resolve) => setTimeout(resolve, drainRounds.roundMs));
      if (this.#heardMs !== heardMs) silent = 0;
      heardMs = this.#heardMs;
    }
    this.#end();
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.stop();
    this.#gone();
  }

  #say(sign: Heartbeat): void {
    if (!this.#over.signal.aborted) this.#port.postMessage(sign);
  }
}

let held: Promise<string | undefined> | undefined;

/** Name of the lock that only the end of this worker gives back. */
function livenessLock(): Promise<string | undefined> {
  held ??= new Promise((resolve) => {
    const name = `holdfast.life.${randomId()}`;
    const forLife = () => {
      resolve(name);
      return new Promise<never>(() => {});
    };
    const requested = webLocks()?.request(name, forLife);
    if (requested) requested.catch(() => resolve(undefined));
    else resolve(undefined);
  });
  return held;
}
