import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PreloadedStateAnswer } from '../../protocol/preload.ts';
import type { Keeper } from '../keeper.ts';
import { FakeRuntime, FakeStore, fakeConfig } from '../testing/fake-runtime.ts';
import { keeperOf } from '../testing/keeper-of.ts';

let runtime: FakeRuntime;
let fakeStore: FakeStore;
let keeper: Keeper;

function newKeeper(): Keeper {
  runtime = new FakeRuntime('only');
  return keeperOf(runtime, fakeStore);
}

const request = () => ({ id: 'mine', runtime: runtime.source });

beforeEach(() => {
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

/** A page's worker with a state for the keeper. */
function offer() {
  const { port1: port, port2 } = new MessageChannel();
  const answered = new Promise<boolean>((resolve) => {
    port.addEventListener('message', ({ data }: MessageEvent<PreloadedStateAnswer>) => {
      resolve(data.opened);
    });
    port.start();
  });
  keeper.preloadResume(request());
  keeper.preloadOpen({ type: 'head-start-open', ...request(), offer: port2 });
  return { port, answered };
}

test('a state is not opened where a guest is in storage', async () => {
  await keeper.start({
    config: { ...fakeConfig, id: 'mine', durable: true },
    runtime: runtime.source,
  });
  await keeper.checkpoint();
  await keeper.destroy();
  keeper = newKeeper();
  const { answered } = offer();
  expect(await answered).toBe(false);
  expect(keeper.info().machine?.startSource).toMatchObject({ kind: 'resumed' });
});

test('a worker with nothing to offer after all leaves a keeper that starts what its page asks for', async () => {
  const { port, answered } = offer();
  port.postMessage(null);
  const started = keeper.start({ config: { ...fakeConfig, id: 'mine' }, runtime: runtime.source });
  expect(await answered).toBe(false);
  await started;
  expect(keeper.info().machine).toMatchObject({ runstate: 'running' });
});

test('a worker that ends with its page keeps no other page waiting', async () => {
  const first = offer();
  first.port.close();
  await keeper.start({ config: { ...fakeConfig, id: 'mine' }, runtime: runtime.source });
  expect(keeper.info().machine).toMatchObject({ runstate: 'running' });
});

test('a guest that breaks off on its way leaves a keeper without one', async () => {
  const { port, answered } = offer();
  const guest = new MessageChannel();
  const ranges = [{ block: 'pc.ram', offsetBytes: 0, pages: 1 }];
  const config = { ...fakeConfig, id: 'mine' };
  const imported = { config, runtime: runtime.source, ranges, identity: 'clone' as const };
  port.postMessage({ request: imported, guest: guest.port2 }, [guest.port2]);
  guest.port1.close();
  expect(await answered).toBe(false);
  expect(keeper.info().machine).toBeNull();
});
