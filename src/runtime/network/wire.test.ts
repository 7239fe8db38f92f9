import { describe, expect, it } from 'vitest';
import { tcpProbe } from './tcp-probe.ts';
import { makeWire, type WireEnd } from './wire.ts';

const frame = (byte: number) => new Uint8Array([byte]);

function setUp() {
  const sent: number[] = [];
  const macs: string[] = [];
  let fromBackend: (bytes: Uint8Array) => void = () => undefined;
  let closed = false;
  const wire = makeWire((receive) => {
    fromBackend = receive;
    return {
      send: (bytes) => sent.push(bytes[0] ?? -1),
      setMac: (mac) => macs.push(mac),
      connections: () => [],
      close: () => {
        closed = true;
      },
    };
  });
  return {
    wire,
    sent,
    macs,
    arrive: (byte: number) => fromBackend(frame(byte)),
    isClosed: () => closed,
  };
}

function nic(room = Number.POSITIVE_INFINITY): WireEnd & { got: number[]; room: number } {
  const end = {
    mac: '00:22:15:00:00:01',
    got: [] as number[],
    room,
    receive(bytes: Uint8Array) {
      if (end.got.length >= end.room) return false;
      end.got.push(bytes[0] ?? -1);
      return true;
    },
  };
  return end;
}

describe('the wire', () => {
  it('asks the guest about connections whose other ends are gone', () => {
    const { wire } = setUp();
    const lost = { guest: '192.168.86.100:40000', remote: '10.9.8.7:80', sequence: 7 };
    wire.probe?.([lost]);
    expect(wire.waiting).toBe(0);
    const got: Uint8Array[] = [];
    wire.plug({ mac: '00:22:15:00:00:01', receive: (bytes) => got.push(bytes) > 0 });
    wire.probe?.([lost]);
    expect(got).toEqual([tcpProbe(lost, '00:22:15:00:00:01')]);
  });

  it('keeps frames for a guest that stands still, and gives them to the next runtime in order', () => {
    const { wire, arrive, macs } = setUp();
    const [first, second] = [nic(), nic()];
    wire.plug(first);
    arrive(1);
    let wakes = 0;
    wire.unplug(() => wakes++);
    arrive(2);
    arrive(3);
    wire.plug(second);
    arrive(4);
    expect(second.got).toEqual([]);
    expect(wire.drain()).toBe(true);
    expect(first.got).toEqual([1]);
    expect(second.got).toEqual([2, 3, 4]);
    expect(wakes).toBe(2);
    expect(macs).toEqual([first.mac, second.mac]);
    expect(wire.counters).toMatchObject({ framesIn: 4, bytesIn: 4, dropped: 0 });
  });

  it('offers a frame again to a device that had no room', () => {
    const { wire, arrive } = setUp();
    const end = nic(1);
    wire.plug(end);
    for (const byte of [1, 2, 3]) arrive(byte);
    expect(end.got).toEqual([1]);
    expect(wire.drain()).toBe(false);
    end.room = 2;
    expect(wire.drain()).toBe(true);
    expect(end.got).toEqual([1, 2]);
    expect(wire.waiting).toBe(1);
  });

  it('drops the newest frames when too many wait, and counts them', () => {
    const { wire, arrive } = setUp();
    wire.unplug(() => undefined);
    for (let i = 0; i < 1030; i++) arrive(i & 0xff);
    expect(wire.waiting).toBe(1024);
    expect(wire.counters.dropped).toBe(6);
  });

  it('[12] drops frames that no driver sends, and keeps no more than 2 MiB for a guest that is slow', () => {
    let [sent, fromBackend] = [0, (_: Uint8Array) => {}];
    const wire = makeWire((receive) => {
      fromBackend = receive;
      return { send: () => sent++, setMac: () => {}, connections: () => [], close: () => {} };
    });
    wire.unplug(() => undefined);
    for (const length of [9217, 65_536, 16 * 1024 * 1024]) fromBackend(new Uint8Array(length));
    expect(wire.waiting).toBe(0);
    wire.send(new Uint8Array(9217));
    expect([sent, wire.counters.dropped]).toEqual([0, 4]);
    for (let i = 0; i < 1024; i++) fromBackend(new Uint8Array(9216));
    expect(wire.waiting).toBe(Math.floor((2 * 1024 * 1024) / 9216));
    let got = 0;
    wire.plug({ mac: '00:22:15:00:00:01', receive: () => ++got > 0 });
    wire.drain();
    // The queue has room again.
    wire.unplug(() => undefined);
    fromBackend(new Uint8Array(9216));
    expect([got, wire.waiting]).toEqual([227, 1]);
  });

  it('[12] keeps a small frame without the large buffer that it came in', () => {
    let fromBackend = (_: Uint8Array) => {};
    const wire = makeWire((receive) => {
      fromBackend = receive;
      return { send: () => {}, setMac: () => {}, connections: () => [], close: () => {} };
    });
    wire.unplug(() => undefined);
    fromBackend(new Uint8Array(new ArrayBuffer(1024 * 1024), 0, 60));
    const kept: number[] = [];
    wire.plug({
      mac: '00:22:15:00:00:01',
      receive: ({ buffer }) => kept.push(buffer.byteLength) > 0,
    });
    wire.drain();
    expect(kept).toEqual([60]);
  });

  it('survives a frame that its backend chokes on', () => {
    const wire = makeWire(() => ({
      send: () => {
        throw new RangeError('Offset is outside the bounds of the DataView');
      },
      setMac: () => {},
      connections: () => [],
      close: () => {},
    }));
    wire.send(new Uint8Array(14));
    expect(wire.counters.dropped).toBe(1);
  });

  it('closes its backend at the end of the machine, and says nothing to the guest after that', () => {
    const { wire, arrive, isClosed } = setUp();
    const end = nic();
    wire.plug(end);
    wire.machineEnded();
    arrive(1);
    expect(isClosed()).toBe(true);
    expect(end.got).toEqual([]);
  });
});
