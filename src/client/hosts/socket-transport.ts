/** A WebSocket or a data channel of WebRTC as a transport. A frame is a message. */
import type { Transport, TransportListener } from './transport.ts';

type SocketEvent = 'open' | 'message' | 'close' | 'error' | 'bufferedamountlow';

// biome-ignore lint/suspicious/noExplicitAny: the sockets have event types of their own
type Listener = (event: any) => void;

/** Common part of `WebSocket`, `RTCDataChannel` and the sockets of the package `ws`. */
export interface MessageSocket {
  binaryType: string;
  readonly readyState: number | string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: SocketEvent, listener: Listener): void;
  removeEventListener(type: SocketEvent, listener: Listener): void;
}

/** Bytes that may wait in the socket. Browsers close a data channel beyond 16 MiB. */
const fullBytes = 1 << 20;
const lowBytes = fullBytes / 4;

const open: readonly unknown[] = [1, 'open'];
const ended: readonly unknown[] = [2, 3, 'closing', 'closed'];

export class SocketTransport implements Transport {
  readonly #socket: MessageSocket;
  readonly #over = new AbortController();

  constructor(socket: MessageSocket) {
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    // Only data channels have it.
    if ('bufferedAmountLowThreshold' in socket) socket.bufferedAmountLowThreshold = lowBytes;
  }

  get hasRoom(): boolean {
    const { readyState, bufferedAmount } = this.#socket;
    return open.includes(readyState) && bufferedAmount < fullBytes;
  }

  get isFlushed(): boolean {
    return this.#socket.bufferedAmount === 0;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  open({ received, room, gone }: TransportListener): void {
    const lost = (why: string) => {
      if (this.#over.signal.aborted) return;
      this.#over.abort();
      gone(why);
    };
    this.#on('open', room);
    this.#on('bufferedamountlow', room);
    this.#on('message', ({ data }: { data: unknown }) => {
      const frame = bytesOf(data);
      if (frame) received(frame);
      else lost('The other host sent text.');
    });
    this.#on('error', () => lost('The connection to the other host broke.'));
    this.#on('close', () => lost('The connection to the other host was closed.'));
    if (ended.includes(this.#socket.readyState))
      queueMicrotask(() => lost('The connection to the other host was closed before.'));
  }

  close(): void {
    this.#over.abort();
    this.#socket.close();
  }

  #on(type: SocketEvent, listener: Listener): void {
    const { signal } = this.#over;
    this.#socket.addEventListener(type, listener);
    signal.addEventListener('abort', () => this.#socket.removeEventListener(type, listener));
  }
}

function bytesOf(data: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return data instanceof Uint8Array && data.buffer instanceof ArrayBuffer
    ? (data as Uint8Array<ArrayBuffer>)
    : undefined;
}
