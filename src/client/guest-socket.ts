/** TCP connections to ports of the guest. */
import { HoldfastError } from '../errors.ts';
import type { TcpEvent, TcpRequest } from '../protocol/tcp-channel.ts';

export interface ConnectTcpOptions {
  /** Longest wait for the guest's answer, ms: its network may not be up yet. Default 30,000. */
  timeoutMs?: number;
}

/** A TCP connection to the guest. */
export interface GuestSocket {
  /** Bytes from the guest. Ends with the guest's side, and errors when the guest resets the connection. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Closing it sends the guest the end of the data. */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when the connection is closed at both ends, for any reason. */
  readonly closed: Promise<void>;
  /** Aborts the connection at once: the guest receives a reset. */
  close(): void;
}

/** Asks the keeper to connect to `port`, with the other end of a message channel. */
type Open = (port: number, channel: MessagePort) => Promise<unknown>;

const defaultTimeoutMs = 30_000;
/** Bytes that wait for a reader here. More waits in the keeper, then in the guest. */
const waitingBytes = 256 * 1024;
/** Most bytes that are sent before the guest has taken them. */
const writtenBytes = 64 * 1024;
/** Pause before the first retry, ms: a lost SYN is not sent again by itself. */
const firstTryMs = 1000;

/**
 * @throws HoldfastError `not-found` if nothing listens, `guest-silent` if nothing answers,
 * `network-unavailable` if the machine's network accepts no connections
 */
export async function connectTcp(
  open: Open,
  port: number,
  { timeoutMs = defaultTimeoutMs }: ConnectTcpOptions,
): Promise<GuestSocket> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new HoldfastError(
      'bad-command',
      `A TCP port is a number from 1 to 65535; it is ${port}.`,
    );
  const endMs = performance.now() + timeoutMs;
  for (let tryMs = firstTryMs; ; tryMs *= 2) {
    const leftMs = endMs - performance.now();
    const socket = await tryOnce(open, port, Math.min(tryMs, leftMs));
    if (socket) return socket;
    if (leftMs > tryMs) continue;
    throw new HoldfastError(
      'guest-silent',
      `The guest did not answer on TCP port ${port} within ${timeoutMs} ms. ` +
        'Its network must be up, with the address that DHCP gives it.',
    );
  }
}

/** @returns undefined if no answer arrived in time */
async function tryOnce(
  open: Open,
  port: number,
  timeoutMs: number,
): Promise<GuestSocket | undefined> {
  const { port1: channel, port2: far } = new MessageChannel();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const answer = new Promise<GuestSocket | 'refused' | undefined>((resolve) => {
      channel.onmessage = ({ data }: MessageEvent<TcpEvent>) => {
        // At once, because the server's first data follows immediately.
        if (data.type === 'connected') resolve(new ChannelSocket(channel));
        else resolve('refused');
      };
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    await open(port, far);
    const socket = await answer;
    if (socket && socket !== 'refused') return socket;
    channel.postMessage({ type: 'abort' } satisfies TcpRequest);
    channel.close();
    if (!socket) return undefined;
    throw new HoldfastError('not-found', `Nothing in the guest listens on TCP port ${port}.`);
  } finally {
    clearTimeout(timer);
  }
}

const connectionReset = () =>
  new HoldfastError('cancelled', 'The connection to the guest was reset.');

/** A connected socket. Its messages go to the keeper over `channel`. */
class ChannelSocket implements GuestSocket {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly closed: Promise<void>;
  readonly #channel: MessagePort;
  #readerHasEnded = false;
  #receivedBytes = 0;
  /** Received bytes that the keeper knows to be taken. */
  #takenBytes = 0;
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writer: WritableStreamDefaultController | undefined;
  /** The write that the guest has not taken yet. */
  #write: { resolve(): void; reject(reason: unknown): void } | undefined;
  #isOver = () => {};

  constructor(channel: MessagePort) {
    this.#channel = channel;
    this.closed = new Promise((resolve) => {
      this.#isOver = resolve;
    });
    channel.onmessage = ({ data }: MessageEvent<TcpEvent>) => this.#onEvent(data);
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => this.#reportTaken(),
        cancel: () => this.close(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: waitingBytes }),
    );
    this.writable = new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#writer = controller;
          const { signal } = controller;
          signal.addEventListener('abort', () => this.#write?.reject(signal.reason));
        },
        write: async (bytes) => {
          for (let at = 0; at < bytes.length; at += writtenBytes)
            await this.#sendData(bytes.subarray(at, at + writtenBytes));
        },
        close: () => this.#send({ type: 'end' }),
        abort: () => this.close(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: writtenBytes }),
    );
    // From the first byte on the guest sends no faster than the stream is read.
    this.#send({ type: 'taken', bytes: 0 });
  }

  /** Bound to the socket: callers may pass it on alone. */
  readonly close = (): void => {
    this.#send({ type: 'abort' });
    this.#end();
  };

  #send(request: TcpRequest): void {
    this.#channel.postMessage(request);
  }

  #onEvent(event: TcpEvent): void {
    switch (event.type) {
      case 'data':
        if (this.#readerHasEnded) return;
        this.#receivedBytes += event.bytes.length;
        this.#reader?.enqueue(event.bytes);
        break;
      case 'taken':
        this.#write?.resolve();
        break;
      case 'end':
        this.#endReader();
        break;
      case 'closed':
        this.#end();
        this.#endReader(event.reset ? connectionReset() : undefined);
    }
  }

  #sendData(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write = { resolve, reject };
      // A view would take all of its buffer along.
      this.#send({ type: 'data', bytes: bytes.slice() });
    });
  }

  #reportTaken(): void {
    const waiting = waitingBytes - (this.#reader?.desiredSize ?? waitingBytes);
    const taken = this.#receivedBytes - waiting;
    if (taken <= this.#takenBytes) return;
    this.#send({ type: 'taken', bytes: taken - this.#takenBytes });
    this.#takenBytes = taken;
  }

  #endReader(error?: HoldfastError): void {
    if (this.#readerHasEnded) return;
    this.#readerHasEnded = true;
    if (error) this.#reader?.error(error);
    else this.#reader?.close();
  }

  /** Ends the writer and the channel. The reader keeps what has arrived. */
  #end(): void {
    const error = connectionReset();
    this.#writer?.error(error);
    this.#write?.reject(error);
    this.#channel.close();
    this.#isOver();
  }
}
