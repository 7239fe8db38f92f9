/** Connections of the guest that outlast a migration between hosts. */
import { expect, test, vi } from 'vitest';
import type { RelayMessage } from '../../protocol/relay-message.ts';
import { frameKind } from './message-parts.ts';
import { PortBridge } from './port-bridge.ts';
import { SocketTransport } from './socket-transport.ts';
import { type FakeSocket, socketPair } from './testing/socket-pair.ts';

/** A keeper at the end of a socket, whose migration is over. */
async function movedKeeper(socket: FakeSocket, isRelayed: boolean) {
  const received: RelayMessage[] = [];
  const relay = await new PortBridge(new SocketTransport(socket)).carry(
    async (port, relay) => {
      port.postMessage({ closed: '' });
      relay.onmessage = ({ data }) => void received.push(data);
      return relay;
    },
    () => isRelayed,
  );
  return { received, post: (message: RelayMessage) => relay.postMessage(message) };
}

const frame = Uint8Array.of(1, 2, 3);

test('[MH11] the connection stays until the source relays nothing more', async () => {
  const [near, far] = socketPair();
  const [source, destination] = await Promise.all([
    movedKeeper(near, true),
    movedKeeper(far, true),
  ]);
  source.post({ connections: [] });
  source.post({ frame });
  destination.post({ frame });
  await vi.waitFor(() => expect(destination.received).toEqual([{ connections: [] }, { frame }]));
  await vi.waitFor(() => expect(source.received).toEqual([{ frame }]));
  expect(near.readyState).toBe('open');
  source.post({ closed: true });
  await vi.waitFor(() => expect(destination.received.at(-1)).toEqual({ closed: true }));
  expect([near.readyState, far.readyState]).toEqual(['closed', 'closed']);
});

test('[MH11] the source learns that the destination has ended', async () => {
  const [near, far] = socketPair();
  const [source, destination] = await Promise.all([
    movedKeeper(near, true),
    movedKeeper(far, true),
  ]);
  destination.post({ closed: true });
  await vi.waitFor(() => expect(source.received).toEqual([{ closed: true }]));
});

test('[MH11] without relayed connections the source closes the connection', async () => {
  const [near, far] = socketPair();
  const [, destination] = await Promise.all([movedKeeper(near, false), movedKeeper(far, true)]);
  await vi.waitFor(() => expect(destination.received).toEqual([{ closed: true }]));
  expect([near.readyState, far.readyState]).toEqual(['closed', 'closed']);
});

test('[MH3] a list of connections is answered with a sign of life', async () => {
  const [near, far] = socketPair();
  const kinds: number[] = [];
  near.addEventListener('message', (event) => {
    const [kind] = new Uint8Array((event as MessageEvent<ArrayBuffer>).data);
    kinds.push(Number(kind));
  });
  const [source] = await Promise.all([movedKeeper(near, true), movedKeeper(far, true)]);
  source.post({ connections: [] });
  await vi.waitFor(() => expect(kinds).toContain(frameKind.alive));
  source.post({ closed: true });
});

test('[MH13] frames that find no room in the connection are lost', async () => {
  const [near, far] = socketPair();
  const [source, destination] = await Promise.all([
    movedKeeper(near, true),
    movedKeeper(far, true),
  ]);
  near.bufferedAmount = 2 << 20;
  for (let count = 0; count < 2100; count++) source.post({ frame });
  await new Promise((resolve) => setTimeout(resolve, 50));
  near.bufferedAmount = 0;
  await vi.waitFor(() => expect(destination.received).toHaveLength(2048));
  source.post({ closed: true });
  await vi.waitFor(() => expect(destination.received.at(-1)).toEqual({ closed: true }));
  expect(destination.received).toHaveLength(2049);
});
