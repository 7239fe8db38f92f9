/** A duplex byte stream of Node as a transport: a socket, a pipe. A length precedes each frame. */
import { frameBytes, type Transport, type TransportListener } from './transport.ts';

type StreamEvent = 'data' | 'drain' | 'end' | 'close' | 'error';

// biome-ignore lint/suspicious/noExplicitAny: each event has another value
type Listener = (value: any) => void;

/** Part of Node's `Duplex`. */
export interface ByteStream {
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  readonly writableLength: number;
  on(event: StreamEvent, listener: Listener): unknown;
  off(event: StreamEvent, listener: Listener): unknown;
}

const lengthBytes = 4;
/** Longest wait for the other end to close its half, ms. */
const closeMs = 5_000;

export class StreamTransport implements Transport {
  readonly #stream: ByteStream;
  readonly #over = new AbortController();
  hasRoom = true;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  get isFlushed(): boolean {
    return this.#stream.writableLength === 0;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    const bytes = new Uint8Array(lengthBytes + frame.length);
    new DataView(bytes.buffer).setUint32(0, frame.length, true);
    bytes.set(frame, lengthBytes);
    this.hasRoom = this.#stream.write(bytes);
  }

  open({ received, room, gone }: TransportListener): void {
    const lost = (why: string) => {
      if (this.#over.signal.aborted) return;
      this.#over.abort();
      gone(why);
    };
    const frames = new FrameReader(
      (frame) => !this.#over.signal.aborted && received(frame),
      () => lost('The other host sent a frame that is too long.'),
    );
    this.#on('data', (bytes: Uint8Array) => frames.take(bytes));
    this.#on('drain', () => {
      this.hasRoom = true;
      room();
    });
    this.#on('error', ({ message }: Error) =>
      lost(`The stream to the other host broke: ${message}`),
    );
    this.#on('end', () => lost('The stream to the other host ended.'));
    this.#on('close', () => lost('The stream to the other host was closed.'));
  }

  close(): void {
    this.#over.abort();
    // An error without a listener ends the program.
    this.#stream.on('error', () => {});
    const timer = setTimeout(() => this.#stream.destroy(), closeMs);
    this.#stream.on('close', () => clearTimeout(timer));
    this.#stream.end();
  }

  #on(event: StreamEvent, listener: Listener): void {
    const { signal } = this.#over;
    this.#stream.on(event, listener);
    signal.addEventListener('abort', () => this.#stream.off(event, listener));
  }
}

/** Divides bytes into frames. It keeps one frame at most. */
class FrameReader {
  readonly #received: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly #tooLong: () => void;
  readonly #length = new Uint8Array(lengthBytes);
  #frame: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes that are there of the length or of the frame. */
  #filled = 0;
  #isBroken = false;

  constructor(received: (frame: Uint8Array<ArrayBuffer>) => void, tooLong: () => void) {
    this.#received = received;
    this.#tooLong = tooLong;
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isBroken; ) {
      const into = this.#frame ?? this.#length;
      const part = bytes.subarray(at, at + into.length - this.#filled);
      into.set(part, this.#filled);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled === into.length) this.#complete();
    }
  }

  #complete(): void {
    this.#filled = 0;
    const frame = this.#frame;
    this.#frame = undefined;
    if (frame) {
      this.#received(frame);
      return;
    }
    const length = new DataView(this.#length.buffer).getUint32(0, true);
    this.#isBroken = length === 0 || length > frameBytes;
    if (this.#isBroken) this.#tooLong();
    else this.#frame = new Uint8Array(length);
  }
}
