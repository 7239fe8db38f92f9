import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keeperLockName } from '../protocol/keeper-lookup.ts';
import { confirmedWorker, openFirstWorker, openKeeperWorker } from './keeper-worker.ts';

const keeperUrl = 'https://site.test/app/keeper.js';
/** Workers that the browser was asked to open. */
const opened: { url: string; options: object }[] = [];

class FakeWorker extends EventTarget {
  readonly port = new MessageChannel().port1;

  constructor(url: string, options: WorkerOptions & { extendedLifetime?: boolean }) {
    super();
    // Browsers read the options before the address.
    const { type, name, extendedLifetime } = options;
    if (!URL.canParse(url)) throw new SyntaxError('no address');
    opened.push({ url, options: { type, name, extendedLifetime } });
  }
}

let held: string[] = [];
beforeEach(() => {
  opened.length = 0;
  held = [];
  vi.stubGlobal('SharedWorker', FakeWorker);
  vi.stubGlobal('localStorage', {});
  vi.stubGlobal('document', { baseURI: 'https://site.test/app/' });
  const query = async () => ({ held: held.map((name) => ({ name })) });
  vi.stubGlobal('navigator', { locks: { query } });
});
afterEach(() => vi.unstubAllGlobals());

const options = (name: string) => ({ type: 'module', name, extendedLifetime: true });
const lock = (name: string, url = keeperUrl) => keeperLockName({ name, url });

test('[KL1] the first keeper of a machine has its name, address and options', () => {
  openFirstWorker({ keeperUrl: 'keeper.js' });
  openFirstWorker({ keeperUrl: 'keeper.js', machineId: 'default' });
  openFirstWorker({ keeperUrl: 'keeper.js', machineId: 'shop-1' });
  expect(opened).toEqual([
    { url: keeperUrl, options: options('holdfast') },
    { url: keeperUrl, options: options('holdfast') },
    { url: keeperUrl, options: options('holdfast-shop-1') },
  ]);
});

test('[KL2] [KL4] a page opens the later keeper that holds the lock, with the same options', async () => {
  held = [lock('holdfast'), lock('holdfast.2-b'), lock('holdfast.1-a')];
  const { address } = await openKeeperWorker({ keeperUrl });
  expect(address).toEqual({ name: 'holdfast.2-b', url: keeperUrl });
  expect(opened).toEqual([{ url: keeperUrl, options: options('holdfast.2-b') }]);
  const corrected = await confirmedWorker(openFirstWorker({ keeperUrl }));
  expect(corrected.address).toEqual(address);
});

test('[KL4] without a lock, and without an answer within a second, it is the first keeper', async () => {
  expect((await openKeeperWorker({ keeperUrl })).address?.name).toBe('holdfast');
  vi.useFakeTimers();
  try {
    vi.stubGlobal('navigator', { locks: { query: () => new Promise(() => {}) } });
    const opening = openKeeperWorker({ keeperUrl });
    await vi.advanceTimersByTimeAsync(1000);
    expect((await opening).address?.name).toBe('holdfast');
  } finally {
    vi.useRealTimers();
  }
});
