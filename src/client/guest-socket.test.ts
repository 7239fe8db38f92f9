import { expect, test, vi } from 'vitest';
import type { TcpEvent, TcpRequest } from '../protocol/tcp-channel.ts';
import { connectTcp } from './guest-socket.ts';

/** A guest that takes everything and counts it, unless it is `slow`. */
async function connect({ slow = false } = {}) {
  let received = 0;
  let read = 0;
  let far: MessagePort | undefined;
  const socket = await connectTcp(
    async (_, channel) => {
      far = channel;
      channel.onmessage = ({ data }: MessageEvent<TcpRequest>) => {
        if (data.type === 'taken') read += data.bytes;
        if (data.type !== 'data') return;
        received += data.bytes.length;
        // With a view comes all that it is a view of.
        expect(data.bytes.buffer.byteLength).toBe(data.bytes.length);
        if (!slow) channel.postMessage({ type: 'taken' } satisfies TcpEvent);
      };
      channel.postMessage({ type: 'connected' } satisfies TcpEvent);
    },
    80,
    {},
  );
  const deliver = (bytes: Uint8Array) =>
    far?.postMessage({ type: 'data', bytes } satisfies TcpEvent);
  return { socket, received: () => received, read: () => read, deliver, end: () => far?.close() };
}

/** Until all messages that are under way have arrived. */
const settled = async () => {
  for (let i = 0; i < 5; i++) await new Promise((done) => setImmediate(done));
};

test('a connection listens once to what ends its writes, however many there are', async () => {
  const listen = vi.spyOn(AbortSignal.prototype, 'addEventListener');
  const { socket, received, end } = await connect();
  const writer = socket.writable.getWriter();
  for (let i = 0; i < 500; i++) await writer.write(new Uint8Array(10));
  expect(received()).toBe(5000);
  expect(listen.mock.calls.length).toBeLessThan(5);
  listen.mockRestore();
  socket.close();
  end();
});

test('a write that waits for the guest ends when the stream is given up', async () => {
  const { socket, end } = await connect();
  end();
  const writer = socket.writable.getWriter();
  const written = writer.write(new Uint8Array(1)).catch((error) => error);
  await writer.abort(new Error('enough')).catch(() => {});
  expect(await written).toMatchObject({ message: 'enough' });
});

test('written bytes go to the guest in parts, the next when it has taken one', async () => {
  const { socket, received, end } = await connect({ slow: true });
  const writer = socket.writable.getWriter();
  const written = writer.write(new Uint8Array(10 * 1024 * 1024)).catch((error) => error);
  await settled();
  expect(received()).toBe(64 * 1024);
  expect(writer.desiredSize).toBeLessThan(0);
  socket.close();
  end();
  // A write that is under way ends with the connection.
  expect(await written).toMatchObject({ code: 'cancelled' });

  const quick = await connect();
  await quick.socket.writable.getWriter().write(new Uint8Array(10 * 1024 * 1024));
  expect(quick.received()).toBe(10 * 1024 * 1024);
  quick.socket.close();
  quick.end();
});

test('the guest gets acknowledgements for bytes that were read, not for those that wait for a reader', async () => {
  const { socket, deliver, read, end } = await connect();
  const chunk = 64 * 1024;
  for (let i = 0; i < 8; i++) deliver(new Uint8Array(chunk));
  await settled();
  const ahead = read();
  expect(ahead).toBeLessThanOrEqual(4 * chunk);
  const reader = socket.readable.getReader();
  for (let i = 0; i < 8; i++) await reader.read();
  await settled();
  expect(read()).toBe(8 * chunk);
  socket.close();
  end();
});
