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
        if (data.type === 'connected') resolve(socketOver(channel));
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

function socketOver(channel: MessagePort): GuestSocket {
  const send = (request: TcpRequest) => channel.postMessage(request);
  let taken = () => {};
  /** Rejects the write that is under way. */
  let refused = (_: unknown) => {};
  let failed = (_: HoldfastError) => {};
  let isOver = () => {};
  const closed = new Promise<void>((resolve) => {
    isOver = resolve;
  });
  const reset = () => new HoldfastError('cancelled', 'The connection to the guest was reset.');

  let received = 0;
  let reported = 0;
  const reportTaken = ({ desiredSize }: ReadableStreamDefaultController<Uint8Array>) => {
    const taken = received - (waitingBytes - (desiredSize ?? waitingBytes));
    if (taken > reported) send({ type: 'taken', bytes: taken - reported });
    reported = Math.max(reported, taken);
  };
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start(controller) {
      let hasEnded = false;
      // From the first byte on the guest sends no faster than this stream is read.
      send({ type: 'taken', bytes: 0 });
      const end = () => {
        if (!hasEnded) controller.close();
        hasEnded = true;
      };
      channel.onmessage = ({ data: event }: MessageEvent<TcpEvent>) => {
        if (event.type === 'data' && !hasEnded) {
          received += event.bytes.length;
          controller.enqueue(event.bytes);
        }
        if (event.type === 'taken') taken();
        if (event.type === 'end') end();
        if (event.type !== 'closed') return;
        failed(reset());
        channel.close();
        isOver();
        if (event.reset && !hasEnded) {
          hasEnded = true;
          controller.error(reset());
        } else end();
      };
    },
    pull: reportTaken,
    cancel: () => close(),
  };
  const size = new ByteLengthQueuingStrategy({ highWaterMark: waitingBytes });
  const readable = new ReadableStream(source, size);
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      taken = resolve;
      refused = reject;
      // A view would take all of its buffer along.
      send({ type: 'data', bytes: bytes.slice() });
    });
  const sink: UnderlyingSink<Uint8Array> = {
    start(controller) {
      failed = (error) => {
        controller.error(error);
        refused(error);
      };
      controller.signal.addEventListener('abort', () => refused(controller.signal.reason));
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length; at += writtenBytes)
        await write(bytes.subarray(at, at + writtenBytes));
    },
    close: () => send({ type: 'end' }),
    abort: () => close(),
  };
  const writable = new WritableStream(
    sink,
    new ByteLengthQueuingStrategy({ highWaterMark: writtenBytes }),
  );
  const close = () => {
    send({ type: 'abort' });
    failed(reset());
    channel.close();
    isOver();
  };
  return { readable, writable, closed, close };
}
