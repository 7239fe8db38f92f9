import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HoldfastError } from '../errors.ts';
import type { MachineConfig } from '../protocol/config.ts';
import { Keeper } from './keeper.ts';
import { RuntimeLoader } from './runtimes/runtime-loader.ts';
import { FakeRuntime, fakeConfig } from './testing/fake-runtime.ts';

const guest = new FakeRuntime('guest');
let keeper: Keeper;
let channels: MessageChannel[];

beforeEach(() => {
  vi.stubGlobal('navigator', {});
  vi.useFakeTimers();
  guest.running = false;
  guest.log.length = 0;
  channels = [];
  const loader = new RuntimeLoader(async () => guest.module);
  keeper = new Keeper({ instanceId: 'test', survivesPages: true, startedAtMs: 0 }, { loader });
});

afterEach(async () => {
  await keeper.destroy();
  for (const { port1 } of channels) port1.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const start = (more: Partial<MachineConfig> = {}) =>
  keeper.start({ config: { ...fakeConfig, ...more }, runtime: guest.source });
const runstate = () => keeper.info().machine?.runstate;
const codeOf = (promise: Promise<void>) =>
  promise.then(
    () => undefined,
    ({ code }: HoldfastError) => code,
  );

function attach(pageId: string): Promise<unknown> {
  const channel = new MessageChannel();
  channels.push(channel);
  return keeper.attach(channel.port2, '', pageId);
}

test('a suspended guest executes nothing until it is woken', async () => {
  await start();
  await keeper.suspend();
  await keeper.suspend();
  expect(runstate()).toBe('suspended');
  expect(guest.running).toBe(false);
  await keeper.wakeup();
  expect(runstate()).toBe('running');
  expect(guest.running).toBe(true);
});

test('resume does nothing for a suspended machine, and wakeup nothing for another', async () => {
  await start();
  expect(await codeOf(keeper.wakeup())).toBe('bad-runstate');
  await keeper.suspend();
  await keeper.resume();
  expect(runstate()).toBe('suspended');
  expect(guest.running).toBe(false);
  await keeper.pause();
  expect(await codeOf(keeper.wakeup())).toBe('bad-runstate');
  expect(await codeOf(keeper.suspend())).toBe('bad-runstate');
});

test('a machine that is paused while suspended is suspended again when it is resumed', async () => {
  await start();
  await keeper.suspend();
  await keeper.pause();
  expect(runstate()).toBe('paused');
  await keeper.resume();
  expect(runstate()).toBe('suspended');
  await keeper.wakeup();
  await keeper.pause();
  await keeper.resume();
  expect(runstate()).toBe('running');
});

test('input wakes a suspended guest before it gets it, and other calls do not', async () => {
  await start();
  await keeper.suspend();
  keeper.command('echo', ['hello']);
  expect(runstate()).toBe('suspended');
  guest.log.length = 0;
  keeper.command('consoleInput', ['serial0', new TextEncoder().encode('x')]);
  expect(guest.log).toEqual(['run', 'input x']);
  expect(runstate()).toBe('running');
});

test('an event of the runtime wakes a suspended guest, and no paused one', async () => {
  await start();
  await keeper.suspend();
  guest.host?.wakeup?.('network');
  expect(runstate()).toBe('running');
  await keeper.pause();
  guest.host?.wakeup?.('network');
  expect(runstate()).toBe('paused');
});

test('input does not set a paused guest going', async () => {
  await start();
  await keeper.suspend();
  await keeper.pause();
  keeper.command('consoleInput', ['serial0', new Uint8Array()]);
  expect(runstate()).toBe('paused');
  expect(guest.running).toBe(false);
});

test('a guest is suspended once all pages have been hidden long enough, and wakes with the first', async () => {
  await attach('a');
  await attach('b');
  await start({ suspendWhenHiddenMs: 5000 });
  keeper.visibility('a', false);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(runstate()).toBe('running');
  keeper.visibility('b', false);
  await vi.advanceTimersByTimeAsync(4999);
  expect(runstate()).toBe('running');
  await vi.advanceTimersByTimeAsync(1);
  expect(runstate()).toBe('suspended');
  keeper.visibility('a', true);
  expect(runstate()).toBe('running');
});

test('a page that comes counts as visible', async () => {
  await start({ suspendWhenHiddenMs: 5000 });
  await vi.advanceTimersByTimeAsync(5000);
  expect(runstate()).toBe('suspended');
  await attach('a');
  expect(runstate()).toBe('running');
});

test('a hidden guest that the network wakes gets the whole time anew', async () => {
  await attach('a');
  await start({ suspendWhenHiddenMs: 5000 });
  keeper.visibility('a', false);
  await vi.advanceTimersByTimeAsync(5000);
  guest.host?.wakeup?.('network');
  await vi.advanceTimersByTimeAsync(4999);
  expect(runstate()).toBe('running');
  await vi.advanceTimersByTimeAsync(1);
  expect(runstate()).toBe('suspended');
});

test('a page that shows itself wakes no guest that a user suspended', async () => {
  await attach('a');
  await start({ suspendWhenHiddenMs: 5000 });
  keeper.visibility('a', false);
  await keeper.suspend();
  await vi.advanceTimersByTimeAsync(10_000);
  keeper.visibility('a', true);
  expect(runstate()).toBe('suspended');
});

test('without the policy a hidden guest runs on', async () => {
  await attach('a');
  await start();
  keeper.visibility('a', false);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(runstate()).toBe('running');
});
