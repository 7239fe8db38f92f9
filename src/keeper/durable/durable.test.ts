import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { slowTimeout } from '../../../tools/slow-timeout.ts';
import { flushed } from '../../protocol/keeper-api.ts';
import { Execution } from '../guest/execution.ts';
import { Keeper } from '../keeper.ts';
import { RuntimeLoader } from '../runtimes/runtime-loader.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import type { MemoryStore } from '../testing/memory-store.ts';
import { Pace } from './pace.ts';

const id = 'm';
/** Longer than any test, so that a checkpoint that comes was taken at once. */
const neverMs = 1_000_000_000;

let runtime: FakeRuntime;
let next: FakeRuntime;
let fakeStore: FakeStore;
let keeper: Keeper;
let pages: MessagePort[];
/** Time between two checkpoints. */
let delayMs: number;

beforeEach(() => {
  vi.stubGlobal('navigator', {});
  delayMs = neverMs;
  vi.spyOn(Pace.prototype, 'delayMs', 'get').mockImplementation(() => delayMs);
  vi.spyOn(Pace.prototype, 'firstDelayMs', 'get').mockReturnValue(0);
  runtime = new FakeRuntime('now');
  next = new FakeRuntime('next');
  next.instructions = 100;
  fakeStore = new FakeStore();
  pages = [];
  const modules = new Map([runtime, next].map((fake) => [fake.source.url, fake]));
  keeper = new Keeper(
    { instanceId: 'test', survivesPages: true, startedAtMs: 0 },
    {
      loader: new RuntimeLoader(async (url) => modules.get(url)?.module),
      openStore: async () => fakeStore.store,
    },
  );
});

afterEach(async () => {
  vi.useRealTimers();
  await keeper.destroy().catch(() => {});
  for (const page of pages) page.close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A page that watches the guest. */
async function attach(pageId: string): Promise<MessagePort> {
  const { port1, port2 } = new MessageChannel();
  pages.push(port1);
  await keeper.attach(port2, '', pageId);
  return port1;
}

const published = () => fakeStore.stored.get(id)?.store.published[0]?.number ?? 0;
const durability = () => keeper.info().machine?.durability;
/** Resolves when the checkpoint of this number was taken and its caller has been notified. */
const untilSaved = (number: number) =>
  vi.waitFor(() => {
    expect(published()).toBe(number);
    expect(durability()).toMatchObject({ state: 'saved' });
  }, slowTimeout);

/**
 * Time that passes as usual, until a test lets a lot of it pass. Call this before the keeper sets its
 * timers.
 */
function holdTime(): void {
  // The tick of every second may see that the guest runs, and save it.
  vi.spyOn(Execution.prototype, 'tick').mockImplementation(() => {});
  vi.useFakeTimers({ shouldAdvanceTime: true });
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A durable guest whose first checkpoint is taken, and that has done something since. */
async function startSaved(): Promise<void> {
  const config = { ...fakeConfig, id, durable: true };
  await keeper.start({ config, runtime: runtime.source });
  await untilSaved(1);
  runtime.instructions++;
}

describe('a checkpoint is taken', () => {
  test('by itself, again and again, of a running guest', async () => {
    delayMs = 1;
    await startSaved();
    for (const number of [2, 3]) {
      await untilSaved(number);
      runtime.instructions++;
    }
  });

  test('earlier of a guest that has begun to write much', async () => {
    runtime.options.tracksWrites = true;
    vi.spyOn(Execution.prototype, 'tick').mockImplementation(() => {});
    vi.spyOn(Pace.prototype, 'lookMs', 'get').mockReturnValue(1);
    vi.spyOn(Pace.prototype, 'delayFor').mockImplementation((pages) => (pages < 9 ? neverMs : 1));
    await startSaved();
    runtime.note(9);
    await untilSaved(2);
  });

  test('not of a guest that has just begun, but at once when its page is left', async () => {
    holdTime();
    vi.spyOn(Pace.prototype, 'firstDelayMs', 'get').mockReturnValue(neverMs);
    await attach('a');
    await keeper.start({ config: { ...fakeConfig, id, durable: true }, runtime: runtime.source });
    await pass(60_000);
    expect(durability()).toMatchObject({ state: 'none' });
    keeper.visibility('a', false);
    await untilSaved(1);
  });

  test('not of a guest that stands still, and of what it does next', async () => {
    holdTime();
    delayMs = 1;
    await startSaved();
    await untilSaved(2);
    // Many times the delay.
    await pass(1000);
    expect(published()).toBe(2);
    await keeper.pause();
    await untilSaved(3);
  });

  test('at once when no page can be seen any more', async () => {
    await attach('a');
    await attach('b');
    holdTime();
    await startSaved();
    keeper.visibility('a', false);
    await pass(60_000);
    expect(published()).toBe(1);
    keeper.visibility('b', false);
    await untilSaved(2);
  });

  test('at once, too, when that happens as another checkpoint ends', async () => {
    await attach('a');
    // The check once a second could find that the guest runs, and request a checkpoint.
    vi.spyOn(Execution.prototype, 'tick').mockImplementation(() => {});
    await startSaved();
    // Called when a checkpoint is written, and the next one is not scheduled yet.
    vi.spyOn(Pace.prototype, 'succeeded').mockImplementationOnce(() => {
      runtime.instructions++;
      keeper.visibility('a', true);
      keeper.visibility('a', false);
    });
    keeper.visibility('a', false);
    await untilSaved(3);
  });

  test('at once when the last page goes', async () => {
    const page = await attach('a');
    await startSaved();
    page.postMessage({ type: 'leave' });
    await untilSaved(2);
  });

  test('at once beside a live update', async () => {
    await startSaved();
    await keeper.restart(next.source);
    await untilSaved(2);
  });

  test('when it is asked for, whether or not they are taken by themselves', async () => {
    await startSaved();
    await keeper.setDurable(false);
    expect(await keeper.checkpoint()).toMatchObject({ generation: 2 });
  });
});

describe('the checkpoint of a page that leaves', () => {
  const flush = async () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    keeper.flush(word.buffer as SharedArrayBuffer);
    await vi.waitFor(() => expect(word[0]).toBe(flushed.saved), slowTimeout);
  };
  /** Makes publications wait. @returns a function that lets them continue */
  const closeGate = (store: MemoryStore) => {
    let open = () => {};
    store.publishGate = new Promise((done) => {
      open = done;
    });
    return open;
  };
  const storeOf = () => {
    const store = fakeStore.stored.get(id)?.store;
    if (!store) throw new Error('Nothing is stored.');
    return store;
  };

  test('stops the guest until it is written, and does not wait for the second copy', async () => {
    await startSaved();
    const store = storeOf();
    const open = closeGate(store);
    const flushing = flush();
    expect(runtime.running).toBe(false);
    await vi.waitFor(() => expect(runtime.log).toContain('save'), slowTimeout);
    expect(runtime.running).toBe(false);
    open();
    await flushing;
    expect(published()).toBe(2);
    expect(runtime.running).toBe(true);
    expect(store.notCopied).toEqual([2]);
    runtime.instructions++;
    await keeper.checkpoint();
    expect(store.notCopied, 'the next one is copied').toEqual([2]);
  });

  test('is the one in progress, if its cut comes after the page began to leave', async () => {
    await startSaved();
    await Promise.all([keeper.checkpoint(), flush()]);
    expect(published()).toBe(2);
  });

  test('follows one in progress whose cut came before', async () => {
    await startSaved();
    const open = closeGate(storeOf());
    const saves = () => runtime.log.filter((step) => step === 'save').length;
    const before = saves();
    const taking = keeper.checkpoint();
    await vi.waitFor(() => expect(saves()).toBe(before + 1), slowTimeout);
    const flushing = flush();
    open();
    await Promise.all([taking, flushing]);
    expect(published()).toBe(3);
  });

  test('is taken of a guest that stands still: its disks and files may have changed', async () => {
    await startSaved();
    await keeper.pause();
    await untilSaved(2);
    await flush();
    expect(published()).toBe(3);
  });

  test('leaves the guest running if it cannot be stopped', async () => {
    await startSaved();
    runtime.options.refuseStop = new Error('It cannot be stopped.');
    const word = new Int32Array(new SharedArrayBuffer(4));
    keeper.flush(word.buffer as SharedArrayBuffer);
    await vi.waitFor(() => expect(word[0]).toBe(flushed.failed), slowTimeout);
    delete runtime.options.refuseStop;
    await keeper.checkpoint();
    expect(runtime.running, 'after the next checkpoint').toBe(true);
  });

  test('that fails leaves the guest running', async () => {
    await startSaved();
    storeOf().writesLeft = 0;
    const word = new Int32Array(new SharedArrayBuffer(4));
    keeper.flush(word.buffer as SharedArrayBuffer);
    await vi.waitFor(() => expect(word[0]).toBe(flushed.failed), slowTimeout);
    expect(runtime.running).toBe(true);
  });
});

test('switched off, none is taken by itself until it is switched on again', async () => {
  await attach('a');
  holdTime();
  await startSaved();
  await keeper.setDurable(false);
  expect(durability()).toMatchObject({ state: 'off' });
  delayMs = 1;
  keeper.visibility('a', false);
  await pass(1000);
  expect(published()).toBe(1);
  await keeper.setDurable(true);
  await untilSaved(2);
});

test('a failed checkpoint is tried again, and the status has the error while the guest runs on', async () => {
  vi.spyOn(console, 'info').mockImplementation(() => {});
  await attach('a');
  await startSaved();
  const store = fakeStore.stored.get(id)?.store;
  if (!store) throw new Error('Nothing is stored.');
  store.writesLeft = 0;
  delayMs = 1;
  keeper.visibility('a', false);
  await vi.waitFor(
    () => expect(durability()).toMatchObject({ state: 'failing', error: { code: 'storage-full' } }),
    slowTimeout,
  );
  expect(keeper.info().machine?.runstate).toBe('running');
  store.writesLeft = Number.POSITIVE_INFINITY;
  await untilSaved(2);
});
