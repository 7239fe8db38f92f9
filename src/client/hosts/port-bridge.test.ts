import { Duplex } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { BroadcastTransport } from './broadcast-transport.ts';
import { frameKind, framesOf } from './message-parts.ts';
import { PortBridge, silenceMs, silentLooks } from './port-bridge.ts';
import { SocketTransport } from './socket-transport.ts';
import { StreamTransport } from './stream-transport.ts';
import { FakeSocket, socketPair } from './testing/socket-pair.ts';
import { frameBytes, type Transport } from './transport.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) close();
});

/** Two ends of a byte stream that delivers pieces of this size. */
function streamPair(pieceBytes: number): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (other: () => Duplex | undefined) =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += pieceBytes)
          other()?.push(chunk.subarray(at, at + pieceBytes));
        setTimeout(done);
      },
      final(done) {
        other()?.push(null);
        done();
      },
    });
  ends.push(
    make(() => ends[1]),
    make(() => ends[0]),
  );
  return ends as [Duplex, Duplex];
}

const bothEnds = <T, U>([a, b]: readonly [T, T], make: (end: T) => U): [U, U] => [make(a), make(b)];

/** A bridge, and the keeper's end of its port. */
function bridge(transport: Transport) {
  const received: unknown[] = [];
  let port: MessagePort | undefined;
  let answer = () => {};
  const carried = new PortBridge(transport).carry(async (given) => {
    port = given;
    given.onmessage = ({ data }) => {
      if (ArrayBuffer.isView(data) || 'closed' in data) received.push(data);
    };
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
  });
  /** The keeper ends as PortChannel does. */
  const end = () => {
    port?.postMessage({ closed: '' });
    answer();
    return carried;
  };
  closing.push(() => {
    answer();
    port?.close();
  });
  const send = (bytes: Uint8Array) => port?.postMessage(bytes);
  return { received, send, end };
}

const message = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => i * seed);
const arrived = (end: ReturnType<typeof bridge>, count: number) =>
  vi.waitFor(() => expect(end.received.length).toBe(count));
const whyClosed = async (end: ReturnType<typeof bridge>) => {
  await vi.waitFor(() => expect(end.received.at(-1)).toHaveProperty('closed'));
  return (end.received.at(-1) as { closed: string }).closed;
};

let names = 0;
const broadcastPair = (): [BroadcastTransport, BroadcastTransport] => {
  const name = `move-${names++}`;
  return bothEnds([name, name], (one) => new BroadcastTransport(new BroadcastChannel(one)));
};

const transports: [string, () => [Transport, Transport]][] = [
  ['a BroadcastChannel', broadcastPair],
  ['a socket of messages', () => bothEnds(socketPair(), (socket) => new SocketTransport(socket))],
  ...[1, 3, 7, 65_540].map((piece): [string, () => [Transport, Transport]] => [
    `a byte stream in pieces of ${piece}`,
    () => bothEnds(streamPair(piece), (end) => new StreamTransport(end)),
  ]),
];

test.each(transports)(
  '[MH1] %s carries messages both ways, whole and in order',
  async (_, pair) => {
    const [a, b] = bothEnds(pair(), bridge);
    const sent = [message(24), message(200_000, 3), message(0), message(frameBytes, 5)];
    for (const one of sent) a.send(one);
    b.send(message(40, 9));
    await Promise.all([arrived(b, sent.length), arrived(a, 1)]);
    expect(a.received).toEqual([message(40, 9)]);
    for (const [i, one] of sent.entries())
      expect(Buffer.compare(b.received[i] as Uint8Array, one)).toBe(0);
  },
);

test('[MH4] messages wait until the connection is open', async () => {
  const [near, far] = [new FakeSocket(), new FakeSocket()];
  near.other = far;
  far.other = near;
  const a = bridge(new SocketTransport(near));
  const b = bridge(new SocketTransport(far));
  a.send(message(30));
  far.open();
  near.open();
  await arrived(b, 1);
});

test('[MH4] no more than a MiB waits in a data channel, and nothing is lost', async () => {
  const [near, far] = socketPair();
  near.holds = true;
  const a = bridge(new SocketTransport(near));
  const b = bridge(new SocketTransport(far));
  for (let i = 0; i < 4; i++) a.send(message(1_000_000, i + 1));
  await vi.waitFor(() => expect(near.bufferedAmount).toBeGreaterThan(1 << 20));
  expect(near.bufferedAmount).toBeLessThanOrEqual((1 << 20) + frameBytes);
  near.drain();
  await arrived(b, 4);
  for (let i = 0; i < 4; i++)
    expect(Buffer.compare(b.received[i] as Uint8Array, message(1_000_000, i + 1))).toBe(0);
  expect(near.largestMessageBytes).toBeLessThanOrEqual(65_536);
});

test.each(transports)('[MH4] %s: the last message arrives before the end', async (_, pair) => {
  const [a, b] = bothEnds(pair(), bridge);
  a.send(message(300_000));
  await a.end();
  await arrived(b, 2);
  expect(b.received[0]).toHaveLength(300_000);
  expect(await whyClosed(b)).not.toBe('');
});

test('[MH4] a connection that breaks closes the port, and says why', async () => {
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  far.close();
  expect(await whyClosed(a)).toMatch(/closed/);
});

test('[MH4] so does one that was closed before', async () => {
  const [near] = socketPair();
  const closed = new Promise((resolve) => near.addEventListener('close', resolve));
  near.close();
  await closed;
  expect(await whyClosed(bridge(new SocketTransport(near)))).toMatch(/closed/);
});

test('[MH4] so does a stream with an error', async () => {
  const [near] = streamPair(100);
  const a = bridge(new StreamTransport(near));
  near.destroy(new Error('wire cut'));
  expect(await whyClosed(a)).toMatch(/wire cut/);
});

test('[MH3] a stream whose other end does not close is destroyed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const silent = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const transport = new StreamTransport(silent);
  transport.open({ received() {}, room() {}, gone() {} });
  transport.close();
  expect(silent.destroyed).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(silent.destroyed).toBe(true);
});

test.each([
  ['text', 'hello'],
  ['an unknown kind of frame', Uint8Array.of(77)],
  ['an empty frame', new Uint8Array()],
  ['a frame that is too long', new Uint8Array(frameBytes + 1)],
])('[MH2] a peer that sends %s is cut off', async (_, frame) => {
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  far.send(frame);
  await whyClosed(a);
  await vi.waitFor(() => expect(far.readyState).toBe('closed'));
});

test.each([
  ['no', 0],
  ['4 GiB', 0xffffffff],
])('[MH2] a stream whose frame claims %s bytes is cut off', async (_, length) => {
  const [near, far] = streamPair(1000);
  const a = bridge(new StreamTransport(near));
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, length, true);
  far.write(bytes);
  await whyClosed(a);
});

test('[MH3] a peer that falls silent is found out', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  vi.advanceTimersByTime(silenceMs - 1000);
  far.send(Uint8Array.of(frameKind.alive));
  await vi.waitFor(() => new Promise((resolve) => setTimeout(resolve)));
  vi.advanceTimersByTime(silenceMs - 1000);
  expect(a.received).toEqual([]);
  vi.advanceTimersByTime(1000 + silentLooks * 1000);
  expect(await whyClosed(a)).toMatch(/silent/);
});

test('[MH3] so is a connection that does not open', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const a = bridge(new SocketTransport(new FakeSocket()));
  vi.advanceTimersByTime(silenceMs + silentLooks * 1000);
  expect(await whyClosed(a)).toMatch(/silent/);
});

test('[MH3] a page that stood still takes what has arrived before it judges', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  vi.advanceTimersByTime(silenceMs - 1000);
  // The frame waits for this page, whose timer runs before it.
  for (const frame of framesOf(message(30))) far.send(frame);
  vi.advanceTimersByTime(1000);
  await arrived(a, 1);
  vi.advanceTimersByTime(silenceMs - 1000);
  expect(a.received).toEqual([message(30)]);
});

test("[MH3] the keeper's heartbeat goes to the other host", async () => {
  const [near, far] = socketPair();
  const frames: Uint8Array[] = [];
  far.addEventListener('message', (event) =>
    frames.push(new Uint8Array((event as MessageEvent<ArrayBuffer>).data)),
  );
  const a = bridge(new SocketTransport(near));
  a.send({ alive: true } as never);
  await vi.waitFor(() => expect(frames).toContainEqual(Uint8Array.of(frameKind.alive)));
});

const pages = (bytes: number) => {
  const body = new Uint8Array(24 + bytes);
  new DataView(body.buffer).setUint32(0, 3, true);
  return body;
};

test('[MH5] a flood of data that the keeper does not take is cut off', async () => {
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  for (let i = 0; i < 4; i++) for (const frame of framesOf(pages(8 << 20))) far.send(frame);
  expect(await whyClosed(a)).toMatch(/more than there is room/);
  expect(a.received.length).toBeLessThanOrEqual(4);
});

test('[MH5] data that the keeper takes is no flood', async () => {
  const [near, far] = socketPair();
  const a = bridge(new SocketTransport(near));
  const took = new Uint8Array(28);
  new DataView(took.buffer).setUint32(0, 17, true);
  new DataView(took.buffer).setUint32(24, 8 << 20, true);
  for (let i = 1; i <= 6; i++) {
    for (const frame of framesOf(pages(8 << 20))) far.send(frame);
    await arrived(a, i);
    a.send(took);
  }
  expect(far.readyState).toBe('open');
});
