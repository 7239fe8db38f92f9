import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import type { Keeper } from '../keeper.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { keeperOf } from '../testing/keeper-of.ts';
import { Pace } from './pace.ts';

/** With this, no checkpoint is taken by itself. */
const neverMs = 600_000;

let runtime: FakeRuntime;
let fakeStore: FakeStore;
let keeper: Keeper;

/** A keeper in a new worker: it has only the store. */
function newKeeper(): Keeper {
  runtime = new FakeRuntime('only');
  return keeperOf(runtime, fakeStore);
}

const request = () => ({ id: 'mine', runtime: runtime.source });
const start = () =>
  keeper.start({ config: { ...fakeConfig, id: 'mine', durable: true }, runtime: runtime.source });
const generations = () => fakeStore.stored.get('mine')?.store.published ?? [];

beforeEach(async () => {
  vi.stubGlobal('navigator', {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  fakeStore = new FakeStore();
  keeper = newKeeper();
});

afterEach(async () => {
  await keeper.destroy().catch(() => {});
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Stores a guest, with a keeper that has no data about it. */
async function store(): Promise<void> {
  await start();
  await keeper.checkpoint();
  await keeper.destroy();
  keeper = newKeeper();
}

test('a page that asks for a guest which is coming back already gets that one', async () => {
  await store();
  keeper.preloadResume(request());
  const report = await keeper.resumeStored(request());
  expect(report.takenAtMs).toBe(generations()[0]?.takenAtMs);
  expect(runtime.log.filter((step) => step === 'load')).toHaveLength(1);
  expect(keeper.info().machine).toMatchObject({ runstate: 'running', config: { id: 'mine' } });
});

test('a guest that resumed before its page asked runs, and the page finds it', async () => {
  await store();
  keeper.preloadResume(request());
  await vi.waitUntil(() => keeper.info().machine !== null, slowTimeout);
  expect(keeper.info().machine).toMatchObject({
    runstate: 'running',
    startSource: { kind: 'resumed' },
  });
  await expect(keeper.resumeStored(request())).rejects.toMatchObject({ code: 'bad-runstate' });
});

describe('a copy resumes as a clone', () => {
  async function arrivalOfCopy(said: string) {
    await start();
    runtime.host?.consoleOutput('serial1', new TextEncoder().encode(said));
    await keeper.checkpoint();
    await keeper.destroy();
    keeper = newKeeper();
    // The stored details of a copy have the names of its original.
    const original = fakeStore.stored.get('mine');
    if (original) fakeStore.stored.set('copy', original);
    await keeper.resumeStored({ id: 'copy', runtime: runtime.source });
    return keeper.info().machine?.startSource;
  }

  test('without an agent, isUnawareClone is set', async () => {
    expect(await arrivalOfCopy('login: ')).toMatchObject({ kind: 'resumed', isUnawareClone: true });
  });

  test('with an agent, isUnawareClone is absent', async () => {
    expect(await arrivalOfCopy('holdfast-agent 1\r\n')).not.toHaveProperty('isUnawareClone');
  });
});

test('[SF9] a machine keeps the lineage of its first boot, and a copy of it gets one of its own', async () => {
  const lineage = () => keeper.info().machine?.config.lineage;
  await start();
  const first = lineage();
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  await keeper.checkpoint();
  await keeper.destroy();
  keeper = newKeeper();
  await keeper.resumeStored(request());
  expect(lineage()).toBe(first);
  await keeper.checkpoint();
  await keeper.destroy();
  keeper = newKeeper();
  const original = fakeStore.stored.get('mine');
  if (original) fakeStore.stored.set('copy', original);
  const listed = (await keeper.storage.list()).find(({ id }) => id === 'copy');
  expect(listed).not.toHaveProperty('config.lineage');
  await keeper.resumeStored({ id: 'copy', runtime: runtime.source });
  expect(lineage()).toMatch(/^[0-9a-f]{32}$/);
  expect(lineage()).not.toBe(first);
  await keeper.destroy();
  keeper = newKeeper();
  await start();
  expect(lineage()).not.toBe(first);
});

test('the reason why a guest could not resume is reported to the page that asks', async () => {
  keeper.preloadResume(request());
  await expect(keeper.resumeStored(request())).rejects.toMatchObject({ code: 'not-found' });
  await start();
  expect(keeper.info().machine).toMatchObject({ startSource: { kind: 'booted' } });
});

test('a guest that is destroyed while it resumes does not resume again', async () => {
  await store();
  let release = () => {};
  runtime.options.prepareGate = new Promise((resolve) => {
    release = resolve;
  });
  keeper.preloadResume(request());
  const asked = keeper.resumeStored(request());
  const refused = expect(asked).rejects.toMatchObject({ code: 'no-machine' });
  await vi.waitUntil(() => runtime.host !== undefined, slowTimeout);
  await keeper.destroy();
  release();
  await refused;
  await start();
  expect(keeper.info().machine).toMatchObject({ startSource: { kind: 'booted' } });
});

test('a start waits for a guest that is coming back, and leaves it alone', async () => {
  await store();
  keeper.preloadResume(request());
  await expect(start()).rejects.toMatchObject({ code: 'bad-runstate' });
  expect(keeper.info().machine).toMatchObject({ startSource: { kind: 'resumed' } });
});

test('so does a state that is opened', async () => {
  await store();
  keeper.preloadResume(request());
  const { port1, port2 } = new MessageChannel();
  const { source } = runtime;
  const opened = keeper.openState(
    { config: fakeConfig, runtime: source, ranges: [], identity: 'clone' },
    port1,
  );
  await expect(opened).rejects.toMatchObject({ code: 'bad-runstate' });
  port2.close();
  expect(keeper.info().machine).toMatchObject({ startSource: { kind: 'resumed' } });
});

test('a guest that was set going is stored as going at once', async () => {
  vi.spyOn(Pace.prototype, 'delayMs', 'get').mockReturnValue(neverMs);
  await start();
  await keeper.pause();
  await keeper.checkpoint();
  const paused = generations()[0]?.number ?? 0;
  await keeper.resume();
  await vi.waitUntil(() => (generations()[0]?.number ?? 0) > paused, slowTimeout);
  await keeper.destroy();
  keeper = newKeeper();
  await keeper.resumeStored(request());
  expect(keeper.info().machine?.runstate).toBe('running');
});

test('[F13] a guest that resumes is stored again, also if it is paused', async () => {
  const delay = vi.spyOn(Pace.prototype, 'delayMs', 'get').mockReturnValue(neverMs);
  await start();
  await keeper.pause();
  await keeper.checkpoint();
  await keeper.destroy();
  const paused = generations()[0]?.number ?? 0;
  delay.mockReturnValue(1);
  keeper = newKeeper();
  await keeper.resumeStored(request());
  await vi.waitUntil(() => (generations()[0]?.number ?? 0) > paused, slowTimeout);
  expect(keeper.info().machine?.runstate).toBe('paused');
});

describe('a new guest where another one is in storage, which could not be read when it was started', () => {
  beforeEach(async () => {
    await store();
    await start();
  });

  test('runs, and the stored one stays as it is', async () => {
    await expect(keeper.checkpoint()).rejects.toMatchObject({ code: 'storage-occupied' });
    await expect(keeper.cprSave({ kind: 'bytes' }, { mode: 'reboot' })).rejects.toMatchObject({
      code: 'storage-occupied',
    });
    expect(keeper.info().machine).toMatchObject({
      runstate: 'running',
      durability: { state: 'failing', error: { code: 'storage-occupied' } },
    });
    expect(generations()).toHaveLength(1);
  });

  test('yields to the stored one when its user confirms', async () => {
    await expect(keeper.resumeStored(request())).rejects.toMatchObject({ code: 'bad-runstate' });
    await keeper.resumeStored({ ...request(), replace: true });
    expect(keeper.info().machine?.startSource).toMatchObject({ kind: 'resumed' });
    await keeper.checkpoint();
    expect(generations()).toHaveLength(2);
    // The stored machine is the same one.
    await expect(keeper.resumeStored({ ...request(), replace: true })).rejects.toMatchObject({
      code: 'bad-runstate',
    });
  });

  test('replaces it when its user confirms', async () => {
    await keeper.setDurable(true, { replace: true });
    await vi.waitFor(() => expect(generations()).toHaveLength(2), slowTimeout);
    expect(keeper.info().machine?.durability).toMatchObject({ state: 'saved' });
  });
});

test('a new guest that is started to replace what is there takes its place in storage, too', async () => {
  await store();
  await keeper.start({
    config: { ...fakeConfig, id: 'mine', durable: true },
    runtime: runtime.source,
    replace: true,
  });
  await keeper.checkpoint();
  expect(generations()).toHaveLength(2);
});
