/** Machines that move over a relay room of a real state server. docs/spec/send.md */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { HoldfastError } from '../../errors.ts';
import { Keeper } from '../../keeper/keeper.ts';
import { RuntimeLoader } from '../../keeper/runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../../keeper/testing/fake-runtime.ts';
import { setBaseUrl } from '../../protocol/base-url.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import type { MachineStatus } from '../../protocol/events.ts';
import { noMigration } from '../../protocol/migration.ts';
import { type RunningServer, startServer } from '../../server/testing/server.ts';
import type { MessageSocket } from '../hosts/socket-transport.ts';
import { attachedMachine } from '../testing/attached-machine.ts';
import type { Machine } from '../types.ts';
import { type ReceiveOptions, receiveMachine } from './receive-machine.ts';
import { linkTo, newKey, secretOf } from './send-link.ts';
import { type SendOptions, type SendProgress, sendMachine } from './send-machine.ts';

const site = 'https://a.test/play/';

let server: RunningServer;
let here: FakeRuntime;
let there: FakeRuntime;
let source: Machine;
let destination: Machine;
const closing: (() => unknown)[] = [];
/** Sockets of the sender and the receiver, in the order in which they were opened. */
const sockets: WebSocket[] = [];

async function machineOf({ source, module }: FakeRuntime, name: string): Promise<Machine> {
  const store = new FakeStore();
  const keeper = new Keeper(
    { instanceId: name, survivesPages: false, startedAtMs: 0, keeperLock: name },
    {
      loader: new RuntimeLoader(async (url) => (url === source.url ? module : undefined)),
      openStore: async () => store.store,
    },
  );
  const { machine, close } = await attachedMachine(keeper, { runtimes: [source] });
  closing.push(close);
  return machine;
}

beforeEach(async () => {
  // Two hosts share no Web Locks.
  vi.stubGlobal('navigator', {});
  server = await startServer();
  here = new FakeRuntime('here', { tracksWrites: true });
  there = new FakeRuntime('there', { tracksWrites: true });
  source = await machineOf(here, 'source');
  destination = await machineOf(there, 'destination');
  setBaseUrl(site);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  sockets.length = 0;
  await server.close();
  vi.unstubAllGlobals();
});

const start = (config: Partial<MachineConfig> = {}) =>
  source.start({ ...fakeConfig, id: 'm', name: 'A machine', ...config }, here.source);

const webSocket = (url: string): MessageSocket => {
  const socket = new WebSocket(url);
  sockets.push(socket);
  return socket as unknown as MessageSocket;
};

const send = (options: Partial<SendOptions> = {}) =>
  sendMachine(source, {
    relay: server.url,
    page: site,
    webSocket,
    confirm: () => 'continue',
    migrate: { downtimeLimitMs: 30_000 },
    ...options,
  });

const receive = (link: string, options: Partial<ReceiveOptions> = {}) => {
  const receiving = receiveMachine(destination, link, {
    relay: server.url,
    webSocket,
    runtimes: [there.source],
    accept: () => true,
    ...options,
  });
  receiving.catch(() => {});
  return receiving;
};

function status(): MachineStatus {
  if (!source.status) throw new Error('There is no machine.');
  return source.status;
}

/** The guest runs on at the source, and nothing of it is at the destination. */
async function staysHere(): Promise<void> {
  await source.pause();
  await source.resume();
  expect([here.running, there.running]).toEqual([true, false]);
}

test('[SD9] a machine that is sent runs on at the other device, with its memory', async () => {
  await start();
  here.memory('pc.ram').fill(7, 5000, 60_000);
  const steps: SendProgress['step'][] = [];
  const { link, done } = await send({
    onProgress: ({ step }) => {
      if (steps.at(-1) !== step) steps.push(step);
    },
  });
  const accept = vi.fn(() => true);
  const received = await receive(link, { accept });
  expect(received).toMatchObject({ name: 'A machine', isClone: false, isDirect: false });
  expect(accept.mock.calls[0]).toEqual([
    { name: 'A machine', memoryMiB: fakeConfig.memoryMiB, isClone: false },
    expect.any(AbortSignal),
  ]);
  expect(await done).toMatchObject({
    isClone: false,
    isDirect: false,
    downtimeMs: expect.any(Number),
  });
  expect(steps).toEqual(['waiting', 'confirming', 'accepting', 'connecting', 'sending']);
  expect([here.running, there.running]).toEqual([false, true]);
  const memory = there.memory('pc.ram');
  const expected = new Uint8Array(memory.length).fill(7, 5000, 60_000);
  expect(Buffer.compare(memory, expected)).toBe(0);
  expect(source.status?.reason?.code).toBe('migrated');
  // It is a stranger's.
  expect(there.host?.config).toMatchObject({ foreign: true });
});

test('the bar of a sender has an end, and never goes back', async () => {
  await start();
  here.memory('pc.ram').set(randomBytes(60_000), 5000);
  const sent: SendProgress[] = [];
  const { link, done } = await send({
    onProgress: (progress) => sent.push(progress),
    migrate: { pauseBeforeSwitchover: true, downtimeLimitMs: 30_000 },
  });
  const receiving = receive(link);
  const fractions = () =>
    sent.flatMap(({ step, fraction }) =>
      step === 'sending' && fraction !== undefined ? [fraction] : [],
    );
  await vi.waitFor(() => expect(fractions().at(-1)).toBe(1), { timeout: 5_000 });
  expect(await source.migrationInfo()).toMatchObject({
    status: 'pre-switchover',
    remainingBytes: 0,
  });
  await source.migrateContinue();
  await Promise.all([receiving, done]);
  expect(fractions()).toEqual(fractions().sort((a, b) => a - b));
});

test('a sender has no progress after the end', async () => {
  await start();
  let answer = () => {};
  vi.spyOn(source, 'migrationInfo').mockImplementation(
    () =>
      new Promise((resolve) => {
        answer = () => resolve({ ...noMigration, transferredBytes: 5_000_000 });
      }),
  );
  const sent: SendProgress[] = [];
  const { link, done } = await send({
    onProgress: (progress) => sent.push(progress),
    migrate: { pauseBeforeSwitchover: true, downtimeLimitMs: 30_000 },
  });
  void receive(link);
  await vi.waitFor(() => expect(source.migrationInfo).toHaveBeenCalled());
  sockets[1]?.terminate();
  await expect(done).rejects.toMatchObject({ code: 'migration-failed' });
  const { length } = sent;
  answer();
  await new Promise((resolve) => setTimeout(resolve));
  expect(sent).toHaveLength(length);
  vi.restoreAllMocks();
});

test('[SD1] the relay gets the id of the room, and never the key', async () => {
  await start();
  here.memory('pc.ram').set(randomBytes(60_000), 5000);
  const { link, done } = await send();
  const { room, key } = secretOf(link);
  const passed: Uint8Array[] = [];
  await receive(link, {
    webSocket: (url) => {
      expect(url).toBe(`${server.url.replace('http', 'ws')}rooms/${room}`);
      const socket = new WebSocket(url);
      socket.on('message', (data) => passed.push(new Uint8Array(data as unknown as ArrayBuffer)));
      return socket as unknown as MessageSocket;
    },
  });
  await done;
  const all = Buffer.concat(passed);
  expect(all.length).toBeGreaterThan(10_000);
  expect(all.includes(Buffer.from(key))).toBe(false);
  // A page of the guest's memory or its name would stand in the clear otherwise.
  expect(all.includes('A machine')).toBe(false);
  expect(newKey()).not.toEqual(newKey());
});

test('[SD5] another key fails at both devices, before the sender is asked', async () => {
  await start();
  const confirm = vi.fn(() => 'continue' as const);
  const accept = vi.fn(() => true);
  const { link, done } = await send({ confirm });
  const other = linkTo({ room: secretOf(link).room, key: newKey() }, site);
  await expect(receive(other, { accept })).rejects.toMatchObject({ code: 'bad-link' });
  await expect(done).rejects.toMatchObject({ code: 'bad-link' });
  expect([confirm, accept].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
  await staysHere();
});

test('[SD1] a link that is not whole is refused before anything is opened', async () => {
  for (const link of [site, `${site}#send=${'a'.repeat(32)}.short`, 'x']) {
    await expect(receive(link)).rejects.toMatchObject({ code: 'bad-link' });
  }
  expect(sockets).toEqual([]);
});

test('[SD7] an offer of no possible machine is refused before the user is asked', async () => {
  await start();
  for (const memoryMiB of [0, 1.5, 1e300]) {
    const config = { ...fakeConfig, memoryMiB };
    vi.spyOn(source, 'status', 'get').mockReturnValue({ ...status(), config });
    const accept = vi.fn(() => true);
    const { link, done } = await send();
    await expect(receive(link, { accept })).rejects.toMatchObject({ code: 'migration-refused' });
    await expect(done).rejects.toMatchObject({ code: 'migration-refused' });
    expect(accept).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  }
  await staysHere();
});

test('[SD6] nothing is sent after a no of the sender', async () => {
  await start();
  const accept = vi.fn(() => true);
  const { link, done } = await send({ confirm: () => false });
  await expect(receive(link, { accept })).rejects.toMatchObject({
    code: 'not-approved',
    message: expect.stringContaining('The other device'),
  });
  await expect(done).rejects.toMatchObject({ code: 'not-approved' });
  expect(accept).not.toHaveBeenCalled();
  await staysHere();
});

test('[SD7] nothing is sent after a no of the receiver', async () => {
  await start();
  const { link, done } = await send();
  await expect(receive(link, { accept: () => false })).rejects.toMatchObject({
    code: 'not-approved',
  });
  await expect(done).rejects.toMatchObject({ code: 'not-approved' });
  await staysHere();
});

test('[SD12] a link works once, and a third device is turned away', async () => {
  await start();
  let answer: ((yes: 'continue') => void) | undefined;
  const { link, done } = await send({
    confirm: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  const second = receive(link);
  await vi.waitFor(() => expect(answer).toBeDefined());
  await expect(receive(link)).rejects.toMatchObject({
    code: 'bad-link',
    message: expect.stringContaining('Another device'),
  });
  answer?.('continue');
  await Promise.all([second, done]);
  await expect(receive(link)).rejects.toMatchObject({
    code: 'bad-link',
    message: expect.stringContaining('used up'),
  });
});

test('[SD12] a connection that breaks while memory is sent leaves the guest where it was', async () => {
  await start();
  const { link, done } = await send();
  const receiving = receive(link, {
    onProgress: ({ movedBytes }) => {
      if (movedBytes > 0) sockets[1]?.terminate();
    },
  });
  await expect(receiving).rejects.toMatchObject({ code: 'migration-failed' });
  await expect(done).rejects.toMatchObject({ code: 'migration-failed' });
  await staysHere();
});

test('[SD11] the sender cancels: while it waits, while it asks, and while memory is sent', async () => {
  await start();
  const cancelled = { code: 'cancelled' };
  const waiting = new AbortController();
  const { done: alone } = await send({ signal: waiting.signal });
  waiting.abort();
  await expect(alone).rejects.toMatchObject(cancelled);

  const asking = new AbortController();
  const asked = await send({
    signal: asking.signal,
    confirm: () => {
      asking.abort();
      return new Promise(() => {});
    },
  });
  await expect(receive(asked.link)).rejects.toMatchObject(cancelled);
  await expect(asked.done).rejects.toMatchObject(cancelled);

  const moving = new AbortController();
  const moved = await send({
    signal: moving.signal,
    onProgress: ({ step }) => {
      if (step === 'sending') moving.abort();
    },
  });
  await expect(receive(moved.link)).rejects.toMatchObject(cancelled);
  await expect(moved.done).rejects.toMatchObject(cancelled);
  await staysHere();
});

test('[SD11] a cancel that is too late hides no guest that waits for a decision', async () => {
  await start();
  const late = new AbortController();
  vi.spyOn(source, 'migrate').mockImplementation(async () => {
    late.abort();
    throw new HoldfastError('migration-unconfirmed', 'It waits here.');
  });
  const { link, done } = await send({ signal: late.signal });
  void receive(link);
  await expect(done).rejects.toMatchObject({ code: 'migration-unconfirmed' });
  vi.restoreAllMocks();
});

test('[SD11] the receiver cancels: while it waits for an answer, and while memory arrives', async () => {
  await start();
  const cancelled = { code: 'cancelled' };
  const waiting = new AbortController();
  let proven = () => {};
  const isProven = new Promise<void>((resolve) => {
    proven = resolve;
  });
  const asked = await send({
    confirm: (gone) => {
      void isProven.then(() => waiting.abort());
      return new Promise((resolve) => {
        gone.addEventListener('abort', () => resolve(false));
      });
    },
  });
  const onProgress = ({ step }: SendProgress) => step === 'confirming' && proven();
  await expect(receive(asked.link, { signal: waiting.signal, onProgress })).rejects.toMatchObject(
    cancelled,
  );
  await expect(asked.done).rejects.toMatchObject(cancelled);

  const moving = new AbortController();
  const moved = await send({ migrate: { pauseBeforeSwitchover: true, downtimeLimitMs: 30_000 } });
  const receiving = receive(moved.link, {
    signal: moving.signal,
    onProgress: ({ movedBytes }) => {
      if (movedBytes > 0) moving.abort();
    },
  });
  await expect(receiving).rejects.toMatchObject(cancelled);
  await expect(moved.done).rejects.toMatchObject(cancelled);
  await staysHere();
});

test('[SD9] what the receiver does not approve is not taken', async () => {
  await start({ cdrom: { url: 'https://elsewhere.test/cd.iso', sizeBytes: 2048 } });
  const { link, done } = await send();
  const approve = vi.fn(() => false);
  await expect(receive(link, { approve })).rejects.toMatchObject({ code: 'not-approved' });
  await expect(done).rejects.toMatchObject({ code: 'not-approved' });
  expect(approve).toHaveBeenCalledOnce();
  await staysHere();
});

test('a relay that is not there is named', async () => {
  await start();
  await server.close();
  await expect(send()).rejects.toMatchObject({
    code: 'relay-unavailable',
    message: expect.stringContaining('cannot be reached'),
  });
  await staysHere();
  server = await startServer();
});
