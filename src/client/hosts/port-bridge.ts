/** Joins a transport to a MessagePort, at whose other end a keeper sends or takes a guest. */
import { HoldfastError } from '../../errors.ts';
import type { ChannelEnd } from '../../protocol/migration.ts';
import { type Heartbeat, PeerLiveness } from '../../protocol/peer-liveness.ts';
import { aliveFrame, framesOf, MessageJoiner } from './message-parts.ts';
import type { Transport } from './transport.ts';
import { UntakenBytes } from './untaken-bytes.ts';

/** [MH3] Time without a frame after which the other host is gone, ms. */
export const silenceMs = 30_000;
/** Looks in a row that find no frame. After a page stood still, its timers may run before what has arrived. */
export const silentLooks = 3;
/** Pause before the next look for room, where a transport does not say when it has some, ms. */
const roomMs = 10;
/** Longest wait for the last frames to leave, ms. */
const flushMs = 5_000;
/** Longest wait for the keeper's last message after its answer to the call, ms. */
const lastMessageMs = 1_000;

export class PortBridge {
  readonly #transport: Transport;
  readonly #port: MessagePort;
  readonly #keeperEnd: MessagePort;
  readonly #life: PeerLiveness;
  readonly #joiner = new MessageJoiner();
  readonly #untaken = new UntakenBytes();
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];
  readonly #silence: ReturnType<typeof setInterval>;
  readonly #over = new AbortController();
  /** Resolves when the keeper sends nothing more. */
  readonly #keeperEnded: Promise<void>;
  #endOfKeeper: () => void = () => {};
  #roomTimer: ReturnType<typeof setTimeout> | undefined;
  #receivedMs = performance.now();
  /** Looks that found a silence, since the last frame. */
  #looks = 0;

  constructor(transport: Transport) {
    const { port1, port2 } = new MessageChannel();
    this.#transport = transport;
    this.#port = port1;
    this.#keeperEnd = port2;
    this.#keeperEnded = new Promise((resolve) => {
      this.#endOfKeeper = resolve;
    });
    this.#life = new PeerLiveness(port1, () => this.#endOfKeeper());
    port1.onmessage = ({ data }: MessageEvent) => this.#fromKeeper(data);
    transport.open({
      received: (frame) => this.#fromHost(frame),
      room: () => this.#pump(),
      gone: (why) => this.#lost(why),
    });
    this.#silence = setInterval(() => this.#look(), 1_000);
    void this.#keeperEnded.then(() => this.#finish());
  }

  /**
   * Hands the keeper its end. Resolves with the answer once the last message has left.
   * @param call gets the port
   */
  async carry<T>(call: (port: MessagePort) => Promise<T>): Promise<T> {
    try {
      return await call(this.#keeperEnd);
    } finally {
      // A port that the keeper never got says nothing.
      const timer = setTimeout(this.#endOfKeeper, lastMessageMs);
      await this.#keeperEnded;
      clearTimeout(timer);
      await this.#finish();
    }
  }

  #fromKeeper(data: Uint8Array<ArrayBuffer> | Heartbeat | ChannelEnd): void {
    if (this.#over.signal.aborted) return;
    this.#life.received(data);
    if (data instanceof Uint8Array) {
      this.#untaken.answered(data);
      for (const frame of framesOf(data)) this.#queue.push(frame);
    } else if ('closed' in data) {
      this.#endOfKeeper();
    } else if (this.#queue.length === 0) {
      // A hidden page's own timers are slow. The keeper's are not.
      this.#queue.push(aliveFrame());
    }
    this.#pump();
  }

  #fromHost(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#over.signal.aborted) return;
    this.#receivedMs = performance.now();
    this.#looks = 0;
    try {
      const message = this.#joiner.take(frame);
      if (message) this.#deliver(message);
    } catch (thrown) {
      this.#lost(HoldfastError.from(thrown, 'migration-failed', 'A frame is invalid').message);
    }
    // The other host has taken frames, so there may be room.
    this.#pump();
  }

  #deliver(message: Uint8Array<ArrayBuffer>): void {
    this.#untaken.arrived(message);
    if (this.#untaken.isTooMuch) this.#lost('The other host sends more than there is room for.');
    else this.#port.postMessage(message, [message.buffer]);
  }

  #pump(): void {
    clearTimeout(this.#roomTimer);
    if (this.#over.signal.aborted) return;
    try {
      for (let frame = this.#queue[0]; frame && this.#transport.hasRoom; frame = this.#queue[0]) {
        this.#queue.shift();
        this.#transport.send(frame);
      }
    } catch (thrown) {
      this.#lost(`The connection to the other host broke: ${(thrown as Error).message}`);
      return;
    }
    if (this.#queue.length > 0) this.#roomTimer = setTimeout(() => this.#pump(), roomMs);
  }

  #look(): void {
    if (performance.now() - this.#receivedMs < silenceMs) return;
    if (++this.#looks < silentLooks) return;
    this.#lost(`The other host was silent for ${silenceMs / 1000} seconds.`);
  }

  /** The keeper learns that nothing more arrives. */
  #lost(why: string): void {
    if (this.#over.signal.aborted) return;
    const end: ChannelEnd = { closed: why };
    this.#port.postMessage(end);
    this.#end();
  }

  /** Ends the transport once all frames have left it. */
  async #finish(): Promise<void> {
    const lateAtMs = performance.now() + flushMs;
    const isWaiting = () => this.#queue.length > 0 || !this.#transport.isFlushed;
    while (!this.#over.signal.aborted && isWaiting() && performance.now() < lateAtMs)
      await new Promise((resolve) => setTimeout(resolve, roomMs));
    this.#end();
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    clearInterval(this.#silence);
    clearTimeout(this.#roomTimer);
    this.#life.stop();
    this.#queue.length = 0;
    this.#endOfKeeper();
    this.#transport.close();
    this.#port.close();
  }
}
