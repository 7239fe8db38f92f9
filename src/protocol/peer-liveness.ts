/**
 * Notifies one end of a port when the other end is gone. A MessagePort does not do so in every
 * browser. Every worker holds a lock for its whole life. The browser grants it to the waiting end
 * when the worker ends for any reason. Without locks, silence of the other end means that it is
 * gone.
 */
import { randomId } from './random-id.ts';
import { webLocks } from './web-locks.ts';

/** Messages of both ends about being alive. Earlier releases name no lock. */
export type Heartbeat = { alive: true; lock?: string };

const heartbeatMs = 5_000;
/** Long, because browsers slow down workers of hidden pages. */
const silenceMs = 120_000;
/**
 * A lock may arrive before the last messages of its holder. This many silent rounds mean that
 * nothing is in transit: in between, this worker takes all arrived messages.
 */
const drainRounds = { rounds: 4, roundMs: 50 } as const;

export class PeerLiveness {
  readonly #port: MessagePort;
  readonly #gone: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #over = new AbortController();
  #receivedMs = performance.now();

  /** @param gone called at most once */
  constructor(port: MessagePort, gone: () => void) {
    this.#port = port;
    this.#gone = gone;
    this.#timer = setInterval(() => {
      this.#send({ alive: true });
      if (performance.now() - this.#receivedMs > silenceMs) this.#end();
    }, heartbeatMs);
    void livenessLock().then((lock) => lock && this.#send({ alive: true, lock }));
  }

  /** Call this for every message that arrives. */
  received(message: object): void {
    this.#receivedMs = performance.now();
    const { signal } = this.#over;
    if (!('lock' in message) || typeof message.lock !== 'string' || signal.aborted) return;
    // Several ports may wait for one worker.
    webLocks()
      ?.request(message.lock, { signal, mode: 'shared' }, () => this.#awaitSilence())
      .catch((thrown) => {
        if (!signal.aborted) console.warn('The end of a transfer will be noticed late:', thrown);
      });
  }

  /** Stops the watch: `gone` is not called any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#over.abort();
  }

  async #awaitSilence(): Promise<void> {
    let receivedMs = this.#receivedMs;
    for (let silent = 0; silent < drainRounds.rounds; silent++) {
      await new Promise((resolve) => setTimeout(resolve, drainRounds.roundMs));
      if (this.#receivedMs !== receivedMs) silent = 0;
      receivedMs = this.#receivedMs;
    }
    this.#end();
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.stop();
    this.#gone();
  }

  #send(sign: Heartbeat): void {
    if (!this.#over.signal.aborted) this.#port.postMessage(sign);
  }
}

let held: Promise<string | undefined> | undefined;

/** Returns the name of the lock that is released only when this worker ends. */
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
