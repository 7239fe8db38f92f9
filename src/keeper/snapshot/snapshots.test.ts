import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';

let runtime: FakeRuntime;
let store: FakeStore;
let keeper: Keeper;
let events: MachineEvent[];
let page: MessageChannel;

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  runtime = new FakeRuntime('one');
  store = new FakeStore();
  const loader = new RuntimeLoader(async () => runtime.module);
  const openStore = async () => store.store;
  const identity = { instanceId: 'test', survivesPages: false, startedAtMs: 0 };
  keeper = new Keeper(identity, { loader, openStore });
  events = [];
  page = new MessageChannel();
  page.port1.onmessage = ({ data }) => events.push(data);
  await keeper.attach(page.port2, '');
  await keeper.start({ config: fakeConfig, runtime: runtime.source });
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  page.port1.close();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const runstate = () => keeper.info().machine?.runstate;

test('memory is as it was, pages that were zero included', async () => {
  const ram = runtime.memory('pc.ram');
  ram[5] = 1;
  const { id } = await keeper.snapshot();
  ram[5] = 2;
  ram[9000] = 3;
  await keeper.restore(id);
  expect(ram[5]).toBe(1);
  expect(ram[9000]).toBe(0);
  expect(runstate()).toBe('running');
  expect(runtime.running).toBe(true);
});

test('pieces and consoles are as they were, again and again', async () => {
  const pieces = runtime.host?.pieces?.('disk.hda');
  pieces?.set(3, Uint8Array.of(1));
  pieces?.set(4, Uint8Array.of(1));
  runtime.host?.consoleOutput('serial0', new TextEncoder().encode('before'));
  const { id } = await keeper.snapshot();
  const generation = pieces?.generation;
  for (let round = 0; round < 2; round++) {
    const piece = pieces?.get(3);
    if (piece) piece[0] = 9;
    pieces?.set(3, piece as Uint8Array);
    pieces?.delete(4);
    pieces?.set(5, Uint8Array.of(9));
    runtime.host?.consoleOutput('serial0', new TextEncoder().encode(' after'));
    await keeper.restore(id);
    expect(pieces?.get(3)).toEqual(Uint8Array.of(1));
    expect(pieces?.get(4)).toEqual(Uint8Array.of(1));
    expect(pieces?.get(5)).toBeUndefined();
    expect(pieces?.generation).toBe(generation);
  }
  await vi.waitFor(
    () => expect(events.at(-1)).toEqual({ type: 'snapshot-restored', id }),
    slowTimeout,
  );
  const said = events.filter((event) => event.type === 'console').at(-1);
  expect(said).toMatchObject({ offset: 0, again: true });
  expect(new TextDecoder().decode(said?.bytes)).toBe('before');
});

test('a guest that was paused is paused, and one that ran runs', async () => {
  const running = await keeper.snapshot();
  await keeper.pause();
  const paused = await keeper.snapshot();
  await keeper.restore(running.id);
  expect([runstate(), runtime.running]).toEqual(['running', true]);
  await keeper.restore(paused.id);
  expect([runstate(), runtime.running]).toEqual(['paused', false]);
});

test('when the snapshot is refused, the guest keeps running untouched', async () => {
  const ram = runtime.memory('pc.ram');
  const { id } = await keeper.snapshot();
  ram[5] = 2;
  runtime.options.refuseRevert = new Error('on purpose');
  await expect(keeper.restore(id)).rejects.toThrow('on purpose');
  expect(ram[5]).toBe(2);
  expect([runstate(), runtime.running]).toEqual(['running', true]);
});

test('a failure half way is reported as a crash', async () => {
  const { id } = await keeper.snapshot();
  runtime.options.fail = { revert: new Error('on purpose') };
  await expect(keeper.restore(id)).rejects.toMatchObject({ code: 'runtime-failed' });
  expect(runstate()).toBe('internal-error');
  await expect(keeper.restore(id)).rejects.toMatchObject({ code: 'bad-runstate' });
});

test('the next checkpoint after a restore holds the guest as it is then', async () => {
  const ram = runtime.memory('pc.ram');
  ram[5] = 1;
  const { id } = await keeper.snapshot();
  ram[5] = 2;
  await keeper.checkpoint();
  await keeper.restore(id);
  await keeper.checkpoint();
  ram[5] = 0;
  await keeper.destroy();
  await keeper.resumeStored({
    id: [...store.stored.keys()][0] as string,
    runtime: runtime.source,
  });
  expect(runtime.memory('pc.ram')[5]).toBe(1);
});

test('a snapshot that was dropped, or never taken, is not found', async () => {
  const { id } = await keeper.snapshot();
  expect((await keeper.snapshots()).map((snapshot) => snapshot.id)).toEqual([id]);
  await keeper.dropSnapshot(id);
  expect(await keeper.snapshots()).toEqual([]);
  await expect(keeper.restore(id)).rejects.toMatchObject({ code: 'not-found' });
});
