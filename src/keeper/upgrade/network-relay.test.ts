import { expect, test, vi } from 'vitest';
import { joinRelay, type RelayedWire, serveRelay } from './network-relay.ts';

const [guest, remote] = ['192.168.86.100:40000', '10.9.8.7:80'];
const old = { guest, remote, sequence: 1 };

interface FakeWire extends RelayedWire {
  sent: Uint8Array[];
  injected: Uint8Array[];
  probed: string[];
  open: (typeof old)[];
  end?: Parameters<RelayedWire['plug']>[0];
}

function fakeWire(...open: (typeof old)[]): FakeWire {
  const wire: FakeWire = {
    sent: [],
    injected: [],
    probed: [],
    probe: (connections) => wire.probed.push(...connections.map(({ guest }) => guest)),
    open,
    send: (frame) => void wire.sent.push(frame),
    plug: (end) => {
      wire.end = end;
    },
    drain: () => false,
    connections: () => wire.open,
    inject: (frame) => void wire.injected.push(frame),
    machineEnded: vi.fn(),
  };
  return wire;
}

/** A TCP segment of the guest. */
function segment(port: number, flags: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(54);
  const view = new DataView(frame.buffer);
  view.setUint16(12, 0x0800);
  frame.set([0x45], 14);
  frame.set([6], 23);
  frame.set([192, 168, 86, 100, 10, 9, 8, 7], 26);
  view.setUint16(34, port);
  view.setUint16(36, 80);
  view.setUint8(47, flags);
  return frame;
}

const [syn, ack] = [2, 16];

/** The segment of the other end that answers one of the guest. */
function answerTo(port: number): Uint8Array<ArrayBuffer> {
  const frame = segment(port, ack);
  frame.set([10, 9, 8, 7, 192, 168, 86, 100], 26);
  const view = new DataView(frame.buffer);
  view.setUint16(34, 80);
  view.setUint16(36, port);
  return frame;
}

function relayBetween(former: FakeWire, next: FakeWire): { over: Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2);
  return { over: serveRelay(former, '00:22:15:00:00:01', port1) };
}

test('[KM7] frames of an old connection go to the former network, those of others to the new one', async () => {
  const [former, next] = [fakeWire(old), fakeWire()];
  const { over } = relayBetween(former, next);
  await vi.waitFor(() => expect(next.connections()).toEqual([old]));
  next.send(segment(40_000, ack));
  next.send(segment(40_001, syn));
  next.send(segment(40_001, ack));
  next.send(new Uint8Array(60));
  await vi.waitFor(() => expect(former.sent).toHaveLength(1));
  expect(next.sent).toHaveLength(3);
  former.end?.receive(segment(1, ack));
  await vi.waitFor(() => expect(next.injected).toHaveLength(1));
  next.machineEnded();
  await over;
  expect(former.machineEnded).toHaveBeenCalledOnce();
});

test('[KM7] a connection to a port of the guest that the new network opened stays there', async () => {
  const [former, next] = [fakeWire(old), fakeWire({ ...old, guest: '192.168.86.100:40002' })];
  const { over } = relayBetween(former, next);
  next.send(segment(40_002, syn + ack));
  expect(next.sent).toHaveLength(1);
  next.machineEnded();
  await over;
});

test('[KM7] the former network ends with its last connection', async () => {
  vi.useFakeTimers();
  try {
    const [former, next] = [fakeWire(old), fakeWire()];
    const { over } = relayBetween(former, next);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(former.machineEnded).not.toHaveBeenCalled();
    former.open = [];
    await vi.advanceTimersByTimeAsync(1_000);
    await over;
    expect(former.machineEnded).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});

test('[KM7] after ten minutes the former network ends in any case', async () => {
  vi.useFakeTimers();
  try {
    const { over } = relayBetween(fakeWire(old), fakeWire());
    await vi.advanceTimersByTimeAsync(10 * 60_000 + 2_000);
    await over;
  } finally {
    vi.useRealTimers();
  }
});

test('[MH12] another host sends only on connections that the guest had, and opens none', async () => {
  const [former, next] = [fakeWire(old), fakeWire()];
  const { port1, port2 } = new MessageChannel();
  const over = serveRelay(former, '00:22:15:00:00:01', port1, { isForeign: true });
  const taken: unknown[] = [];
  port2.onmessage = ({ data }) => data.took && taken.push(data);
  const frames = [
    segment(40_000, syn),
    segment(40_001, ack),
    new Uint8Array(60),
    segment(40_000, ack),
  ];
  for (const frame of frames) port2.postMessage({ frame });
  // A list is the source's to send: it is dropped.
  port2.postMessage({ connections: [{ ...old, guest: '192.168.86.100:40009' }] });
  await vi.waitFor(() => expect(taken).toHaveLength(frames.length + 1));
  expect(former.sent).toEqual(frames.slice(-1));
  expect(next.sent).toEqual([]);
  port2.postMessage({ closed: true });
  await over;
  expect(former.machineEnded).toHaveBeenCalledOnce();
});

test('[MH11] frames wait until the other host says what it relays', async () => {
  const next = fakeWire();
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2, { isForeign: true });
  const relayed: unknown[] = [];
  port1.onmessage = ({ data }) => data.frame && relayed.push(data.frame);
  const [known, unknown] = [segment(40_000, ack), segment(40_009, ack)];
  for (let count = 0; count < 100; count++) next.send(known);
  next.send(unknown);
  expect([next.sent, relayed]).toEqual([[], []]);
  port1.postMessage({ connections: [old] });
  await vi.waitFor(() => expect(relayed).toHaveLength(64));
  next.send(unknown);
  expect(next.sent).toEqual([unknown]);
  // Only the first list counts.
  port1.postMessage({ connections: [{ ...old, guest: '192.168.86.100:40009' }] });
  await vi.waitFor(() => expect(next.connections()[0]?.guest).toContain('40009'));
  next.send(unknown);
  expect(next.sent).toEqual([unknown, unknown]);
  next.machineEnded();
});

test("[MH10] a host that relays nothing leaves the connections to the guest's own network", async () => {
  const next = fakeWire();
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2, { isForeign: true });
  const frame = segment(40_000, ack);
  next.send(frame);
  expect(next.sent).toEqual([]);
  port1.postMessage({ closed: true });
  await vi.waitFor(() => expect(next.sent).toEqual([frame]));
  port1.close();
});

/** The relay of a guest that came from another host, which says that it relays {@link old}. */
async function arrivedFrom(next: FakeWire): Promise<MessagePort> {
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2, { isForeign: true });
  port1.postMessage({ connections: [old] });
  port1.start();
  await vi.waitFor(() => expect(next.connections()).toHaveLength(1));
  return port1;
}

test('[MH14] another host reaches the guest on the connections that it had, and nothing else', async () => {
  const next = fakeWire();
  const port = await arrivedFrom(next);
  const arp = new Uint8Array(60);
  new DataView(arp.buffer).setUint16(12, 0x0806);
  const udp = answerTo(40_000);
  udp.set([17], 23);
  const opens = answerTo(40_000);
  new DataView(opens.buffer).setUint8(47, syn);
  const refused = [arp, udp, opens, answerTo(40_001)];
  for (const frame of [...refused, answerTo(40_000)]) port.postMessage({ frame });
  await vi.waitFor(() => expect(next.injected).toHaveLength(1));
  expect(next.injected).toEqual([answerTo(40_000)]);
  // The guest has taken the port for a new connection.
  next.send(segment(40_000, syn));
  port.postMessage({ frame: answerTo(40_000) });
  port.postMessage({ closed: true });
  await vi.waitFor(() => expect(next.connections()).toEqual([]));
  expect(next.injected).toHaveLength(1);
});

test('[MH14] the guest is asked about its connections when their relay breaks, also if it only reads', async () => {
  const next = fakeWire();
  const port = await arrivedFrom(next);
  const second = { ...old, guest: '192.168.86.100:40009' };
  port.postMessage({ connections: [old, second] });
  await vi.waitFor(() => expect(next.connections()).toHaveLength(2));
  port.postMessage({ closed: true });
  await vi.waitFor(() => expect(next.probed).toEqual([guest]));
  next.send(segment(40_000, ack));
  expect(next.sent).toHaveLength(1);
});

test('[KM7] a guest that only reads notices the end of its former network', async () => {
  const [former, next] = [fakeWire(old), fakeWire()];
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2);
  const over = serveRelay(former, '00:22:15:00:00:01', port1);
  await vi.waitFor(() => expect(next.connections()).toEqual([old]));
  port1.postMessage({ closed: true });
  await vi.waitFor(() => expect(next.probed).toEqual([guest]));
  await over;
});

test('[KM7] the end of the machine asks the guest nothing', async () => {
  const next = fakeWire();
  await arrivedFrom(next);
  next.machineEnded();
  expect(next.probed).toEqual([]);
});

test('[MH14] after eleven minutes the destination ends the relay of a source that does not', async () => {
  vi.useFakeTimers();
  try {
    const next = fakeWire();
    await arrivedFrom(next);
    await vi.advanceTimersByTimeAsync(11 * 60_000 + 1_000);
    expect(next.connections()).toEqual([]);
    expect(next.probed).toEqual([guest]);
  } finally {
    vi.useRealTimers();
  }
});

test('[KM7] a guest that opens connections without end takes no memory for them', async () => {
  const next = fakeWire();
  const { port1, port2 } = new MessageChannel();
  joinRelay(next, port2);
  const relayed: unknown[] = [];
  port1.onmessage = ({ data }) => data.frame && relayed.push(data.frame);
  for (let port = 1; port <= 5_000; port++) next.send(segment(port, syn));
  // Only the newest are remembered. The new network knows the others while they are open.
  next.send(segment(5_000, ack));
  next.open = [{ ...old, guest: '192.168.86.100:2' }];
  next.send(segment(2, ack));
  next.send(segment(1, ack));
  await vi.waitFor(() => expect(relayed).toEqual([segment(1, ack)]));
  next.machineEnded();
});
