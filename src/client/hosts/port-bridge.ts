/** Joins a transport to a MessagePort, at whose other end a keeper sends or takes a guest. */
import { HoldfastError } from '../../errors.ts';
import type { ChannelEnd } from '../../protocol/migration.ts';
import { type Heartbeat, PeerLiveness } from '../../protocol/peer-liveness.ts';
import { aliveFrame, frameKind, framesOf, MessageJoiner } from './message-parts.ts';
import { RelayLane } from './relay-lane.ts';
import { frameBytes, type Transport } from './transport.ts';
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
/** Longest wait for the keeper's answer to the call after its last message, ms. */
const answerMs = 10_000;
/** [MH13] Frames that wait for room. Beyond them frames of the guest's connections are lost. */
const mostWaiting = 2048;

export class PortBridge {
  readonly #transport: Transport;
  readonly #port: MessagePort;
  readonly #keeperEnd: MessagePort;
  readonly #life: PeerLiveness;
  readonly #joiner = new MessageJoiner();
  readonly #untaken = new UntakenBytes();
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];
  readonly #lane: RelayLane;
  readonly #silence: ReturnType<typeof setInterval>;
  readonly #over = new AbortController();
  /** Resolves when the keeper sends nothing more. */
  readonly #keeperEnded: Promise<void>;
  #endOfKeeper: () => void = () => {};
  /** Resolves with true if connections of the guest outlast the migration. */
  #isRelayed: Promise<boolean> = Promise.resolve(false);
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
    this.#lane = new RelayLane({
      send: (frame) => this.#relay(frame),
      ended: () => void this.#settled(true),
    });
    transport.open({
      received: (frame) => this.#fromHost(frame),
      room: () => this.#pump(),
      gone: (why) => this.#lost(why),
    });
    this.#silence = setInterval(() => this.#look(), 1_000);
    void this.#keeperEnded.then(() => this.#settled(false));
  }

  /**
   * Hands the keeper its ends. Resolves with the answer once the last message has left.
   * @param call gets the port of the migration, and the one of {@link RelayLane}
   * @param isRelayed returns true if the connection stays for the guest's connections
   */
  async carry<T>(
    call: (port: MessagePort, relay: MessagePort) => Promise<T>,
    isRelayed: (answer: T) => boolean = () => false,
  ): Promise<T> {
    const called = call(this.#keeperEnd, this.#lane.keeperEnd);
    this.#isRelayed = called.then(isRelayed, () => false);
    try {
      return await called;
    } finally {
      // A port that the keeper never got says nothing.
      const timer = setTimeout(this.#endOfKeeper, lastMessageMs);
      await this.#keeperEnded;
      clearTimeout(timer);
      await this.#settled(false);
    }
  }

  /** Ends the transport, unless connections of the guest need it. @param isOver they need it no more */
  async #settled(isOver: boolean): Promise<void> {
    if (isOver) await this.#keeperEnded;
    const stays = !isOver && (await within(answerMs, this.#isRelayed));
    await this.#flushed();
    if (!stays) this.#end();
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
      if (frame[0] === frameKind.relay && frame.length <= frameBytes) this.#fromRelay(frame);
      else this.#fromSource(frame);
    } catch (thrown) {
      this.#lost(HoldfastError.from(thrown, 'migration-failed', 'A frame is invalid').message);
    }
    // The other host has taken frames, so there may be room.
    this.#pump();
  }

  #fromSource(frame: Uint8Array<ArrayBuffer>): void {
    const message = this.#joiner.take(frame);
    if (message) this.#deliver(message);
  }

  #fromRelay(frame: Uint8Array<ArrayBuffer>): void {
    const isWaiting = this.#lane.take(frame);
    // The keeper has ended its part of the migration, and its signs of life with it.
    if (isWaiting && this.#queue.length === 0) this.#queue.push(aliveFrame());
  }

  #relay(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#over.signal.aborted || this.#queue.length >= mostWaiting) return;
    this.#queue.push(frame);
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

  /** Resolves once all frames have left the transport. */
  async #flushed(): Promise<void> {
    const lateAtMs = performance.now() + flushMs;
    const isWaiting = () => this.#queue.length > 0 || !this.#transport.isFlushed;
    while (!this.#over.signal.aborted && isWaiting() && performance.now() < lateAtMs)
      await new Promise((resolve) => setTimeout(resolve, roomMs));
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    clearInterval(this.#silence);
    clearTimeout(this.#roomTimer);
    this.#life.stop();
    this.#queue.length = 0;
    this.#lane.close();
    this.#endOfKeeper();
    this.#transport.close();
    this.#port.close();
  }
}

/** Returns false without an answer in time. */
function within(limitMs: number, answer: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    void answer.then(resolve).finally(() => clearTimeout(timer));
  });
}
