/** A browser that does not answer, as on a full or damaged disk: every call fails in time. */
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { holdLock } from '../client/web-lock.ts';
import { HoldfastError } from '../errors.ts';
import { runningMachines } from '../keeper/durable/machine-lock.ts';
import { Answers, writeMs } from './answers.ts';
import { DatabaseConnection } from './database-connection.ts';
import { loadDigest } from './digest.ts';
import { openKeptStore } from './kept-store.ts';
import { Marks } from './mark.ts';
import { openNewerStore } from './newer-store.ts';
import { copyBesideBuckets, Places } from './place.ts';
import {
  fakeFactory,
  installTypes,
  never,
  outcomeOf,
  silentFactory,
} from './testing/silent-browser.ts';
import { storageUsage } from './usage.ts';

/** Longer than any limit. */
const limitMs = 2 * writeMs;
const blocked = expect.objectContaining({ code: 'storage-blocked' });

beforeAll(async () => {
  await loadDigest();
});

beforeEach(() => {
  vi.useFakeTimers();
  installTypes();
  vi.stubGlobal(
    'indexedDB',
    fakeFactory(() => true),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const names = async () => ['holdfast-1', 'holdfast-1-ready'];
const noLocks = { query: async () => ({ held: [] }), request: never };
const buckets = { keys: async () => [], open: never, delete: never };

const starts: [string, () => void][] = [
  [
    'the names of all buckets',
    () => vi.stubGlobal('navigator', { storageBuckets: { ...buckets, keys: never } }),
  ],
  [
    'the bucket that is the first place',
    () => vi.stubGlobal('navigator', { storageBuckets: { ...buckets, keys: names } }),
  ],
  [
    'the locks that workers hold',
    () =>
      vi.stubGlobal('navigator', { storageBuckets: buckets, locks: { ...noLocks, query: never } }),
  ],
  [
    'a worker that moves what is stored',
    () => {
      const held = [{ name: 'holdfast.retired 0' }];
      const locks = { ...noLocks, query: async () => ({ held }) };
      vi.stubGlobal('navigator', { storageBuckets: buckets, locks });
    },
  ],
  [
    'the default IndexedDB',
    () => {
      vi.stubGlobal('navigator', { storageBuckets: buckets, locks: noLocks });
      vi.stubGlobal('indexedDB', silentFactory);
    },
  ],
  [
    'a transaction that reads',
    () => {
      vi.stubGlobal('navigator', { storageBuckets: buckets, locks: noLocks });
      vi.stubGlobal(
        'indexedDB',
        fakeFactory(() => false),
      );
    },
  ],
  [
    'the list of all databases',
    () => {
      vi.stubGlobal('navigator', { storageBuckets: buckets, locks: noLocks });
      vi.stubGlobal('indexedDB', { ...fakeFactory(() => true), databases: never });
    },
  ],
];

for (const [what, install] of starts) {
  test(`[F9] opening the store ends where ${what} never answers`, async () => {
    install();
    expect(await outcomeOf(openKeptStore(), limitMs)).toEqual(blocked);
  });
}

test('[F9] what a newer version has stored is not waited for without end', async () => {
  vi.stubGlobal('navigator', { storageBuckets: { ...buckets, keys: never } });
  expect(await outcomeOf(openNewerStore(), limitMs)).toEqual(blocked);
});

const places: [string, (places: Places) => Promise<unknown>][] = [
  ['is made the first', (places) => places.makeFirst(1)],
  ['is kept', (places) => places.keep(1)],
  ['is deleted', (places) => places.remove(1)],
  ['is deleted beside buckets', (places) => places.remove(copyBesideBuckets)],
  ['is probed', (places) => places.probe(1)],
];

for (const [what, ask] of places) {
  test(`[F9] a place that ${what} is not waited for without end`, async () => {
    vi.stubGlobal('navigator', { storageBuckets: buckets });
    vi.stubGlobal('indexedDB', silentFactory);
    const there = Places.of('holdfast');
    if (!there) throw new Error('There are buckets.');
    expect(await outcomeOf(ask(there), limitMs)).toEqual(blocked);
  });
}

const options = {
  databaseName: 'holdfast',
  openTimeoutMs: 10_000,
  onLost: () => undefined,
  onWindow: () => undefined,
};

test('[F9] a write that is not answered fails, and the next one has a new connection', async () => {
  const factory = fakeFactory((opening) => opening > 0);
  const connection = new DatabaseConnection({ ...options, factory: async () => factory });
  const put = () =>
    connection.write(
      { name: 'put-entry', stores: ['entries'], durability: 'strict', doing: 'save the state' },
      async (transaction) => {
        await transaction.objectStore('entries').put({
          name: 'e',
          sizeBytes: 0,
          savedAtMs: 0,
          parts: 0,
        });
        return 'stored';
      },
    );
  expect(await outcomeOf(put(), limitMs)).toEqual(blocked);
  expect(await outcomeOf(put(), limitMs)).toBe('stored');
});

test('[F9] what waits in line behind answers that come is waited for', async () => {
  const answers = new Answers();
  const last = answers.to(
    new Promise((done) => setTimeout(() => done('came'), 95_000)),
    'x',
    30_000,
  );
  for (let atMs = 20_000; atMs < 95_000; atMs += 20_000)
    void answers.to(new Promise((done) => setTimeout(done, atMs)), 'x', 30_000);
  expect(await outcomeOf(last, limitMs)).toBe('came');
  const silent = answers.to(never(), 'x', 30_000);
  expect(await outcomeOf(silent, 40_000)).toEqual(blocked);
});

test('[F9] marks, usage and machines of other tabs: what is not known is left out or refused', async () => {
  vi.stubGlobal('caches', { open: never });
  expect(await outcomeOf(new Marks().all(), limitMs)).toEqual([]);
  expect(
    await outcomeOf(new Marks().put({ id: 'm', name: 'm', takenAtMs: 1 }), limitMs),
  ).toBeUndefined();
  vi.stubGlobal('navigator', {
    storage: { estimate: never, persisted: async () => true },
    locks: { query: never },
  });
  expect(await outcomeOf(storageUsage(), limitMs)).toEqual({
    usedBytes: 0,
    quotaBytes: Number.POSITIVE_INFINITY,
    persisted: false,
  });
  const running = await outcomeOf(runningMachines(), limitMs);
  expect(running).toBeInstanceOf(HoldfastError);
  expect(running).toEqual(blocked);
});

test('[F9] a page without an answer about its lock goes without', async () => {
  vi.stubGlobal('navigator', { locks: { request: never } });
  expect(await outcomeOf(holdLock('l', new AbortController().signal), limitMs)).toBe(false);
});
