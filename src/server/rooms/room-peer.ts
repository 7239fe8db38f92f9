import type { RawData, WebSocket } from 'ws';
import { mostMessagesPerSecond, type RoomEnd, roomEnd, waitingBytes } from './room-limits.ts';

interface PeerListener {
  message(bytes: Buffer): void;
  /** Something arrived at this device. */
  delivered(): void;
  /** The device closed its connection, or broke a rule. Called at most once. */
  left(): void;
}

/** Time for a device to answer the end of its connection. */
const closeMs = 5_000;

/** A device in a room. */
export class RoomPeer {
  readonly #socket: WebSocket;
  /** Reasons why it is not read now. */
  readonly #paused = new Set<'slow reader' | 'flood'>();
  #messages = 0;
  #second: NodeJS.Timeout | undefined;
  #isAlive = true;
  #drained: (() => void) | undefined;
  #isOver = false;

  constructor(socket: WebSocket, { message, delivered, left }: PeerListener) {
    this.#socket = socket;
    this.#delivered = delivered;
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#isOver) return;
      this.#isAlive = true;
      if (!isBinary) {
        this.end(roomEnd.badMessage, 'A room carries no text.');
        return;
      }
      this.#countMessage();
      message(data as Buffer);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // The event `close` follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#isOver = true;
      clearTimeout(this.#second);
      this.#drained?.();
      left();
    });
  }

  readonly #delivered: () => void;

  tell(news: object): void {
    this.#socket.send(JSON.stringify(news));
  }

  /** @param source is not read while too much waits here */
  send(bytes: Buffer, source: RoomPeer): void {
    const socket = this.#socket;
    socket.send(bytes, { binary: true }, (error) => {
      if (error) return;
      this.#delivered();
      if (socket.bufferedAmount <= waitingBytes.low) this.#drained?.();
    });
    if (socket.bufferedAmount < waitingBytes.most || this.#drained) return;
    source.#pause('slow reader');
    this.#drained = () => {
      this.#drained = undefined;
      source.#resume('slow reader');
    };
  }

  /** Ends a connection whose device has not answered the previous call. */
  ping(): void {
    // A device that is not read cannot be heard.
    if (this.#paused.size > 0) return;
    if (this.#isAlive) this.#socket.ping();
    else this.#socket.terminate();
    this.#isAlive = false;
  }

  /** Messages that were sent before still arrive. */
  end(code: RoomEnd, why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.resume();
    this.#socket.close(code, why);
    setTimeout(() => this.#socket.terminate(), closeMs).unref();
  }

  #countMessage(): void {
    this.#second ??= setTimeout(() => this.#nextSecond(), 1000);
    if (++this.#messages >= mostMessagesPerSecond) this.#pause('flood');
  }

  /** Messages that were read at once with the last one count for the next second. */
  #nextSecond(): void {
    this.#second = undefined;
    this.#messages = Math.max(0, this.#messages - mostMessagesPerSecond);
    if (this.#messages > 0) this.#second = setTimeout(() => this.#nextSecond(), 1000);
    if (this.#messages < mostMessagesPerSecond) this.#resume('flood');
  }

  #pause(why: 'slow reader' | 'flood'): void {
    this.#paused.add(why);
    this.#socket.pause();
  }

  #resume(why: 'slow reader' | 'flood'): void {
    // Its answer to a ping may wait in the connection.
    if (this.#paused.delete(why)) this.#isAlive = true;
    if (this.#paused.size === 0) this.#socket.resume();
  }
}
