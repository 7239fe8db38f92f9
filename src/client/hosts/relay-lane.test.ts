import { expect, test, vi } from 'vitest';
import type { RelayMessage } from '../../protocol/relay-message.ts';
import { frameKind } from './message-parts.ts';
import { RelayLane } from './relay-lane.ts';

const connection = { guest: '192.168.86.100:40000', remote: '10.9.8.7:80', sequence: 7 };

function lane() {
  const sent: Uint8Array<ArrayBuffer>[] = [];
  const received: RelayMessage[] = [];
  const ended = vi.fn();
  const lane = new RelayLane({ send: (frame) => void sent.push(frame), ended });
  lane.keeperEnd.onmessage = ({ data }) => void received.push(data);
  const post = (message: RelayMessage) => lane.keeperEnd.postMessage(message);
  return { lane, sent, received, ended, post };
}

const json = (value: unknown) =>
  Uint8Array.of(frameKind.relay, 1, ...new TextEncoder().encode(JSON.stringify(value)));

test('[MH11] frames and lists of connections arrive at the other keeper as they were sent', async () => {
  const [source, destination] = [lane(), lane()];
  const frame = Uint8Array.of(1, 2, 3);
  source.post({ frame });
  source.post({ connections: [connection] });
  await vi.waitFor(() => expect(source.sent).toHaveLength(2));
  expect(source.sent.map((each) => destination.lane.take(each))).toEqual([false, true]);
  await vi.waitFor(() =>
    expect(destination.received).toEqual([{ frame }, { connections: [connection] }]),
  );
  source.post({ closed: true });
  await vi.waitFor(() => expect(source.ended).toHaveBeenCalledOnce());
  destination.lane.close();
  await vi.waitFor(() => expect(destination.received.at(-1)).toEqual({ closed: true }));
  expect(destination.ended).not.toHaveBeenCalled();
});

test.each([
  ['no kind', Uint8Array.of(frameKind.relay)],
  ['an unknown kind', Uint8Array.of(frameKind.relay, 2, 0)],
  ['a frame that no guest takes', new Uint8Array(9_219).fill(frameKind.relay, 0, 1)],
  ['text that is no list', Uint8Array.of(frameKind.relay, 1, 33)],
  ['no list', json({})],
  ['too many connections', json(Array(257).fill(connection))],
  ['a long address', json([{ ...connection, remote: '1'.repeat(33) }])],
  ['no address', json([{ ...connection, guest: 1 }])],
  ['no sequence number', json([{ ...connection, sequence: '1' }])],
  ['nothing', json([null])],
])('[MH13] a host that relays %s is refused', async (_, frame) => {
  const { lane: destination, received } = lane();
  expect(() => destination.take(frame)).toThrow('what is no frame of a connection');
  expect(received).toEqual([]);
  destination.close();
});

test('[MH13] frames beyond 2,048 that the keeper has not taken are lost', async () => {
  const { lane: destination, received, post } = lane();
  const frame = Uint8Array.of(frameKind.relay, 0, 1);
  for (let count = 0; count < 2100; count++) destination.take(frame);
  await vi.waitFor(() => expect(received).toHaveLength(2048));
  for (let count = 0; count < 10; count++) post({ took: true });
  await new Promise((resolve) => setTimeout(resolve));
  await vi.waitFor(() => {
    destination.take(frame);
    expect(received.length).toBeGreaterThan(2048);
  });
  destination.close();
});
