import { expect, test, vi } from 'vitest';
import type { TcpEvent, TcpRequest } from '../protocol/tcp-channel.ts';
import { connectTcp } from './guest-socket.ts';

/** A guest that takes everything and counts it. */
async function connect() {
  let received = 0;
  let far: MessagePort | undefined;
  const socket = await connectTcp(
    async (_, channel) => {
      far = channel;
      channel.onmessage = ({ data }: MessageEvent<TcpRequest>) => {
        if (data.type !== 'data') return;
        received += data.bytes.length;
        channel.postMessage({ type: 'taken' } satisfies TcpEvent);
      };
      channel.postMessage({ type: 'connected' } satisfies TcpEvent);
    },
    80,
    {},
  );
  return { socket, received: () => received, end: () => far?.close() };
}

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
