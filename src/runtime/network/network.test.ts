/** A runtime's part in the network, with v86's own user-mode network at the other end. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { MachineConfig } from '../../protocol/config.ts';
import type { NetworkSection } from '../../vmstate/sections.ts';
import { type LabHost, labHost } from '../testing/lab-host.ts';
import { checkNetwork, Network } from './network.ts';
import { tcpProbe } from './tcp-probe.ts';

const libv86 = join(import.meta.dirname, '../../../node_modules/v86/build/libv86.mjs');
const { V86 } = await import(pathToFileURL(libv86).href);

const mac = '00:22:15:01:02:03';
const connection = { guest: '192.168.86.100:40000', remote: '192.168.87.1:80' };
const syn = 2;

/** A runtime's network device, which accepts everything. */
function runtimeOn(host: LabHost) {
  const listeners = new Map<string, (frame: Uint8Array) => void>();
  const frames: Uint8Array[] = [];
  const bus = {
    register: (event: string, listener: (frame: Uint8Array) => void) =>
      listeners.set(event, listener),
    send: (event: string, frame: Uint8Array) => event === 'net0-receive' && frames.push(frame),
  };
  const device = { mac: Uint8Array.from([0, 0x22, 0x15, 1, 2, 3]), cr: 0, boundary: 0 };
  const options = { host, V86, cpu: { devices: { net: device } }, bus, wake: () => undefined };
  const network = new Network(options as unknown as ConstructorParameters<typeof Network>[0]);
  return { network, frames, transmit: (frame: Uint8Array) => listeners.get('net0-send')?.(frame) };
}

/** The first segment of a connection of the guest: a probe's frame, turned around. */
function openingSegment(): Uint8Array {
  const { guest, remote } = connection;
  const frame = tcpProbe({ guest: remote, remote: guest, sequence: 1000 }, mac);
  frame[47] = syn;
  return frame;
}

const lab = (config: Partial<MachineConfig> = {}) =>
  labHost({}, { networkBackend: { kind: 'fetch' }, ...config });

describe('the network of a runtime', () => {
  it('finds the connections that the guest opened in the runtime before', () => {
    const host = lab();
    const first = runtimeOn(host);
    first.network.run();
    first.transmit(openingSegment());
    expect(first.frames).toHaveLength(1);
    first.network.stop();
    const second = runtimeOn(host);
    second.network.load(first.network.save() as NetworkSection);
    second.network.run();
    expect(second.network.drain()).toBe(false);
    expect(second.network.info()).toMatchObject({
      device: 'ne2k',
      mac,
      connections: [connection],
      framesIn: 1,
      framesOut: 1,
    });
    expect(second.network.info().bytesOut).toBe(54);
  });

  it('asks the guest about connections without a reader, so that they are reset', () => {
    const first = runtimeOn(lab());
    first.network.run();
    first.transmit(openingSegment());
    const elsewhere = runtimeOn(lab());
    elsewhere.network.load(first.network.save() as NetworkSection);
    elsewhere.network.run();
    elsewhere.network.drain();
    expect(elsewhere.frames).toEqual([tcpProbe({ ...connection, sequence: 1338 }, mac)]);
  });

  it('blocks a reboot while connections end in the keeper, and never a restart', () => {
    const { network, transmit } = runtimeOn(lab());
    network.run();
    expect(network.blockers('reboot')).toEqual([]);
    transmit(openingSegment());
    expect(network.blockers('restart')).toEqual([]);
    expect(network.blockers('reboot')).toMatchObject([{ code: 'network-cannot-follow' }]);
  });

  it('is refused up front for a machine that must always be able to follow', () => {
    const hub = { kind: 'inbrowser', group: 'lab' } as const;
    const blockers = (config: Partial<MachineConfig>) => {
      const host = lab({ onlyCprCapable: true, ...config });
      const found = runtimeOn(host).network.blockers('reboot');
      for (const kept of host.kept.values())
        (kept as { machineEnded?: () => void }).machineEnded?.();
      return found;
    };
    expect(blockers({})).toHaveLength(1);
    expect(blockers({ networkBackend: hub })).toEqual([]);
    expect(blockers({ networkBackend: { kind: 'none' } })).toEqual([]);
  });

  it('wakes a guest that is suspended, for each frame that waits', () => {
    const host = lab();
    const reasons: string[] = [];
    host.wakeup = (reason) => reasons.push(reason);
    const { network, frames, transmit } = runtimeOn(host);
    network.run();
    network.stop();
    transmit(openingSegment());
    expect(reasons).toEqual(['network']);
    expect(frames).toEqual([]);
    network.run();
    network.drain();
    expect(frames).toHaveLength(1);
  });

  it('reaches the other guests of its group, and only those', async () => {
    const [one, two, other] = ['a', 'a', 'b'].map((group) =>
      lab({ networkBackend: { kind: 'inbrowser', group } }),
    ) as [LabHost, LabHost, LabHost];
    const [sender, neighbour, stranger] = [one, two, other].map(runtimeOn) as ReturnType<
      typeof runtimeOn
    >[];
    const heard = new Promise<void>((resolve) => {
      two.wakeup = () => resolve();
    });
    neighbour?.network.stop();
    stranger?.network.run();
    sender?.network.run();
    sender?.transmit(openingSegment());
    await heard;
    neighbour?.network.run();
    neighbour?.network.drain();
    expect(neighbour?.frames).toEqual([openingSegment()]);
    expect([sender?.frames, stranger?.frames]).toEqual([[], []]);
    for (const host of [one, two, other])
      for (const kept of host.kept.values())
        (kept as { machineEnded?: () => void }).machineEnded?.();
  });
});

describe('a network configuration', () => {
  it('is refused when it cannot work', () => {
    const check = (change: Partial<MachineConfig>) => () => checkNetwork(lab(change).config);
    for (const change of [
      { mac: '00:22:15:0a:0b' },
      { networkBackend: { kind: 'wisp', url: 'http://example.org/' } },
      { networkBackend: { kind: 'wsproxy', url: 'nowhere' } },
    ] satisfies Partial<MachineConfig>[])
      expect(check(change)).toThrow(expect.objectContaining({ code: 'bad-config' }));
    for (const url of ['wisp://a/', 'wisps://a/', 'ws://a/', 'wss://a/'])
      expect(check({ networkBackend: { kind: 'wisp', url } })).not.toThrow();
  });
});
