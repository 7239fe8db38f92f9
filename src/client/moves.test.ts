import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Keeper } from '../keeper/keeper.ts';
import { RuntimeLoader } from '../keeper/runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../keeper/testing/fake-runtime.ts';
import { setBaseUrl } from '../protocol/base-url.ts';
import type { MachineConfig } from '../protocol/config.ts';
import type { HostSocket } from './hosts/host-socket.ts';
import { type FakeSocket, socketPair } from './hosts/testing/socket-pair.ts';
import type { MigrateIncomingOptions } from './moves.ts';
import type { RequirePublic } from './state-files.ts';
import { attachedMachine } from './testing/attached-machine.ts';
import type { Machine } from './types.ts';

const siteA = 'https://a.test/play/';
const siteB = 'https://b.test/';
const patient = { downtimeLimitMs: 30_000 };

let here: FakeRuntime;
let there: FakeRuntime;
let source: Machine;
let destination: Machine;
let requirePublic: RequirePublic | undefined;
const stores: FakeStore[] = [];
const asked = vi.fn<(url: string) => number>(() => 200);
const closing: (() => unknown)[] = [];

const lockOf = (name: string) => `keeper-${name}`;

/** Locks of a browser in which both keepers run. Returns the names of those that were requested. */
function locks(): string[] {
  const requested: string[] = [];
  const request = async (name: string, ...rest: unknown[]) => {
    requested.push(name);
    // Without them, silence says that an end is gone.
    if (name.startsWith('holdfast.life')) return new Promise(() => {});
    return (rest.at(-1) as (lock: { name: string }) => unknown)({ name });
  };
  const query = async () => ({ held: [{ name: lockOf('source') }] });
  vi.stubGlobal('navigator', { locks: { request, query } });
  return requested;
}

async function machineOf({ source, module }: FakeRuntime, name: string): Promise<Machine> {
  const store = new FakeStore();
  stores.push(store);
  const keeper = new Keeper(
    { instanceId: name, survivesPages: false, startedAtMs: 0, keeperLock: lockOf(name) },
    {
      loader: new RuntimeLoader(async (url) => (url === source.url ? module : undefined)),
      openStore: async () => store.store,
    },
  );
  const { machine, close } = await attachedMachine(keeper, {
    runtimes: [source],
    requirePublic: (...given) => requirePublic?.(...given) ?? Promise.resolve(),
  });
  closing.push(close);
  return machine;
}

beforeEach(async () => {
  // Two hosts share no Web Locks.
  vi.stubGlobal('navigator', {});
  asked.mockReset().mockReturnValue(200);
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const status = asked(`${init.method} ${url} ${init.credentials ?? ''}`.trim());
    if (status === 0) throw new TypeError('fetch failed');
    return new Response(null, { status });
  });
  requirePublic = undefined;
  stores.length = 0;
  here = new FakeRuntime('here', { tracksWrites: true });
  there = new FakeRuntime('there', { tracksWrites: true });
  source = await machineOf(here, 'source');
  destination = await machineOf(there, 'destination');
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.unstubAllGlobals();
});

const start = (config: Partial<MachineConfig> = {}) => {
  setBaseUrl(siteA);
  const own = { bios: { url: `${siteA}bios` }, vgaBios: { url: `${siteA}vgabios` } };
  return source.start(
    { ...fakeConfig, ...own, id: 'm', lineage: 'a'.repeat(32), ...config },
    here.source,
  );
};

function move([a, b]: readonly [HostSocket, HostSocket], options: MigrateIncomingOptions = {}) {
  const leaving = source.migrate(a, patient);
  // The page of the destination is of another site.
  setBaseUrl(siteB);
  const arriving = destination.migrateIncoming(b, options);
  for (const promise of [leaving, arriving]) promise.catch(() => {});
  return { leaving, arriving };
}

const refused = async (moving: ReturnType<typeof move>, code: string) => {
  await expect(moving.arriving).rejects.toMatchObject({ code });
  await expect(moving.leaving).rejects.toMatchObject({ code });
  await source.pause();
  await source.resume();
  expect([here.running, there.running]).toEqual([true, false]);
  // No memory was sent, and no runtime was prepared for it.
  expect(there.host).toBeUndefined();
};

/** Both ends of a real connection over this computer. */
async function webSockets(): Promise<[WebSocket, WebSocket]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  closing.push(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const near = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const far = await new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  return [near, far];
}

async function tcpSockets(): Promise<[Socket, Socket]> {
  const server = createServer();
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const near = tcpConnect((server.address() as AddressInfo).port, '127.0.0.1');
  const far = await new Promise<Socket>((resolve) => server.once('connection', resolve));
  return [near, far];
}

describe('a guest moves to another host', () => {
  test.each<[string, () => Promise<readonly [HostSocket, HostSocket]>]>([
    ['a socket of messages', async () => socketPair()],
    ['WebSockets', webSockets],
    ['TCP', tcpSockets],
  ])('[MI1] [MH1] over %s, with memory and consoles', async (_, connect) => {
    const bytes = new Uint8Array(700_000).fill(5);
    await start({ cdrom: { bytes } });
    here.memory('pc.ram').fill(7, 5000, 60_000);
    here.host?.consoleOutput('serial0', new TextEncoder().encode('login: '));
    const { leaving, arriving } = move(await connect());
    expect(await leaving).toMatchObject({ status: 'completed', machineId: 'm' });
    expect(await arriving).toMatchObject({ machineId: 'm' });
    expect([here.running, there.running]).toEqual([false, true]);
    const memory = there.memory('pc.ram');
    const expected = new Uint8Array(memory.length).fill(7, 5000, 60_000);
    expect(Buffer.compare(memory, expected)).toBe(0);
    const { bytes: cd } = Object(there.host?.config.cdrom);
    expect(Buffer.compare(cd, bytes)).toBe(0);
    expect(await destination.console('serial0').waitFor(/login: /, { from: 0 })).toBeDefined();
  });

  test('[MH4] a connection that is closed before the switchover leaves it here', async () => {
    await start();
    const sockets = socketPair();
    const waits = new Promise<void>((resolve) => {
      source.on('migration', ({ info }) => info.status === 'pre-switchover' && resolve());
    });
    const leaving = source.migrate(sockets[0], { ...patient, pauseBeforeSwitchover: true });
    const arriving = destination.migrateIncoming(sockets[1]);
    arriving.catch(() => {});
    await waits;
    sockets[1].close();
    await expect(leaving).rejects.toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining('closed'),
    });
    await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
    await source.pause();
    await source.resume();
    expect([here.running, there.running]).toEqual([true, false]);
  });

  test.each<[string, (socket: FakeSocket) => void]>([
    ['text', (socket) => socket.send('GET / HTTP/1.1')],
    ['noise', (socket) => socket.send(new Uint8Array(5000).fill(1))],
    ['nothing but its end', (socket) => socket.close()],
  ])('[MH2] a source that sends %s gets nothing in', async (_, send) => {
    const [near, far] = socketPair();
    const arriving = destination.migrateIncoming(far);
    send(near);
    await expect(arriving).rejects.toMatchObject({ code: 'migration-failed' });
    expect(destination.status).toBeNull();
  });

  test('a data channel that may lose messages is refused', async () => {
    await start();
    const [near] = socketPair();
    const lossy = Object.assign(near, { ordered: false });
    await expect(source.migrate(lossy)).rejects.toMatchObject({ code: 'bad-config' });
    expect(here.running).toBe(true);
  });
});

test('[MI1] [MH4] a guest moves between two tabs of a site over a BroadcastChannel, and is believed', async () => {
  await start({ limits: { diskMiB: 77 }, networkBackend: { kind: 'fetch', ownOrigin: true } });
  const leaving = source.migrate(new BroadcastChannel('tabs'), patient);
  const arriving = destination.migrateIncoming(new BroadcastChannel('tabs'));
  await Promise.all([leaving, arriving]);
  expect([here.running, there.running]).toEqual([false, true]);
  expect(there.host?.config).toMatchObject({
    limits: { diskMiB: 77 },
    networkBackend: { kind: 'fetch', ownOrigin: true },
  });
});

describe('a guest of another host is not believed', () => {
  test('[MH6] files of its site are those of this one', async () => {
    await start();
    await move(socketPair()).arriving;
    expect(there.host?.config).toMatchObject({
      bios: { url: `${siteB}bios` },
      vgaBios: { url: `${siteB}vgabios` },
    });
  });

  test('[MH6] without approve, one that reaches others is refused before any memory', async () => {
    await start({ hda: { url: 'https://disks.test/disk.img' } });
    await refused(move(socketPair()), 'not-approved');
  });

  test('[MH6] approve gets what it reaches, and a no refuses it', async () => {
    await start({
      hda: { url: 'https://disks.test/disk.img' },
      networkBackend: { kind: 'fetch', ownOrigin: true, privateAddresses: true },
    });
    const approve = vi.fn(() => false);
    await refused(move(socketPair(), { approve }), 'not-approved');
    expect(approve).toHaveBeenCalledWith([
      expect.objectContaining({ purpose: 'hda', url: 'https://disks.test/disk.img' }),
      expect.objectContaining({ purpose: 'network', kind: 'fetch' }),
    ]);
    await move(socketPair(), { approve: () => true }).arriving;
    // Nothing lets it reach the site itself or private addresses.
    expect(there.host?.config.networkBackend).toEqual({ kind: 'fetch' });
    expect(asked).toHaveBeenCalledWith('HEAD https://disks.test/disk.img omit');
  });

  test('[MH6] what the program refuses is refused, although it was approved', async () => {
    await start({ hda: { url: 'https://disks.test/disk.img' } });
    const { HoldfastError } = await import('../errors.ts');
    requirePublic = async () => {
      throw new HoldfastError('not-approved', 'private');
    };
    await refused(move(socketPair(), { approve: () => true }), 'not-approved');
  });

  test('[MH6] files of more than 256 MiB that travel with it are asked about', async () => {
    const { checkGuest } = await import('./let-in.ts');
    const file = { kind: 'file', name: 'd', lastModifiedMs: 0, sizeBytes: 2 ** 30 };
    const offered = {
      machineId: 'm',
      title: '',
      v86Version: '1',
      config: {
        ...fakeConfig,
        bios: { url: 'site:b' },
        vgaBios: { url: 'site:v' },
        hda: { contents: file },
      },
    };
    const approve = vi.fn(() => true);
    await expect(checkGuest(offered, {}, undefined)).rejects.toMatchObject({
      code: 'not-approved',
    });
    await checkGuest(offered, { approve }, undefined);
    expect(approve).toHaveBeenCalledWith([
      { purpose: 'memory', url: '', isSameOrigin: false, sizeBytes: 2 ** 30 },
    ]);
  });

  test('[MH9] disks and files of more than 256 MiB are asked about while they arrive', async () => {
    await start({ filesystem9p: true });
    here.host?.pieces?.('9p.files').set(4, new Uint8Array(300 * 2 ** 20));
    const approve = vi.fn(() => false);
    const { leaving, arriving } = move(socketPair(), { approve });
    await expect(arriving).rejects.toMatchObject({ code: 'migration-refused' });
    await expect(leaving).rejects.toMatchObject({ code: 'migration-refused' });
    expect(approve).toHaveBeenCalledWith([
      { purpose: 'memory', url: '', isSameOrigin: false, sizeBytes: 512 * 2 ** 20 },
    ]);
    expect([here.running, there.running]).toEqual([true, false]);
  });

  test('[MH7] it is foreign and not durable, has no limits of its own, and keeps its id', async () => {
    await start({ durable: true, limits: { diskMiB: 100_000 }, foreign: false });
    await move(socketPair()).arriving;
    const { config } = there.host ?? {};
    expect(config).toMatchObject({ id: 'm', foreign: true });
    expect([config?.durable, config?.limits]).toEqual([undefined, undefined]);
    expect(destination.status?.durability).toMatchObject({ state: 'off' });
  });

  test('[MH7] its page may say otherwise', async () => {
    await start();
    const own = { id: 'mine', name: 'Mine', foreign: false, durable: true };
    await move(socketPair(), { config: own }).arriving;
    expect(destination.status?.config).toMatchObject(own);
  });

  test('[MH7] it does not overwrite the stored machine whose id it names', async () => {
    await start({ durable: true });
    await source.checkpoint();
    const mine = stores[0]?.stored.get('m') as never;
    stores[1]?.stored.set('m', mine);
    await move(socketPair(), { config: { durable: true } }).arriving;
    await expect(destination.checkpoint()).rejects.toMatchObject({ code: 'storage-occupied' });
  });

  test('[MH7] the lock that its host names gives it no machine lock of this browser', async () => {
    await start();
    const requested = locks();
    await move(socketPair()).arriving;
    expect(requested).not.toContain('holdfast-machine-m');
  });

  test('[MI9] a tab of this browser takes the machine lock', async () => {
    await start();
    const requested = locks();
    const leaving = source.migrate(new BroadcastChannel('locks'), patient);
    await destination.migrateIncoming(new BroadcastChannel('locks'));
    await leaving;
    expect(requested).toContain('holdfast-machine-m');
  });

  test('[MH8] a disk that is missing here refuses it', async () => {
    await start({ hda: { url: `${siteA}disk.img` } });
    asked.mockReturnValue(404);
    await refused(move(socketPair()), 'migration-refused');
    expect(asked).toHaveBeenCalledWith(`HEAD ${siteB}disk.img omit`);
  });

  test('[MH8] a server that is away refuses it', async () => {
    await start({ hda: { url: `${siteA}disk.img` } });
    asked.mockReturnValue(0);
    await refused(move(socketPair()), 'migration-refused');
  });

  test('[MH8] without a runtime it is refused', async () => {
    await start();
    await refused(move(socketPair(), { runtimes: [] }), 'migration-refused');
  });

  test('[MH8] a file of the computer that it leaves does not follow it', async () => {
    await start({ hda: { url: 'file:///home/me/disk.img' } });
    const { leaving, arriving } = move(socketPair());
    await expect(leaving).rejects.toMatchObject({ code: 'bad-config' });
    await expect(arriving).rejects.toMatchObject({ name: 'HoldfastError' });
    expect([here.running, there.running]).toEqual([true, false]);
  });

  test.each([
    ['more RAM than a guest may have', { memoryMiB: 4096 }],
    ['no RAM', { memoryMiB: 0 }],
    ['VGA memory that is no power of two', { vgaMemoryMiB: 3 }],
    ['a file of this computer', { hda: { url: 'file:///etc/passwd' } }],
    ['a way out of the site', { hda: { url: 'site://evil.example/' } }],
    [
      'a disk of a negative size',
      { hda: { contents: { kind: 'file', name: '', lastModifiedMs: 0, sizeBytes: -1 } } },
    ],
    ['no BIOS', { bios: null }],
  ])('[MH8] a configuration with %s is refused', async (_, spoilt) => {
    const { checkGuest } = await import('./let-in.ts');
    setBaseUrl(siteB);
    const config = {
      ...fakeConfig,
      bios: { url: 'site:b' },
      vgaBios: { url: 'site:v' },
      ...spoilt,
    };
    const offered = { machineId: 'm', title: '', v86Version: '1', config };
    await expect(checkGuest(offered, { approve: () => true }, undefined)).rejects.toMatchObject({
      code: 'migration-refused',
      message: expect.stringContaining('the other host'),
    });
  });
});
