import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Marks } from './mark.ts';
import { FakeCache } from './testing/fake-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('[F5] a Cache Storage that never answers holds nothing up: there are no marks then', async () => {
  vi.stubGlobal('caches', { open: () => new Promise(() => undefined) });
  const said = vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const marks = new Marks();
  const found = Promise.all([marks.all(), marks.put({ id: 'm', name: 'm', takenAtMs: 1 })]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await found).toEqual([[], undefined]);
  expect(said).toHaveBeenCalledTimes(2);
});

test('[F5] what a mark says is read again, also as earlier versions wrote it', async () => {
  const cache = new FakeCache();
  vi.stubGlobal('caches', { open: async () => cache });
  const mark = { id: 'm', name: 'Büro “1” \u{1f4be}\n', takenAtMs: 1000 };
  await new Marks().put(mark);
  // The browser would have to move a body to another process.
  expect([...cache.entries.values()].map(({ body }) => body)).toEqual([null]);
  expect(await new Marks().all()).toEqual([mark]);
  for (const url of cache.entries.keys())
    cache.entries.set(url, new Response(JSON.stringify(mark)));
  expect(await new Marks().all()).toEqual([mark]);
});

test('[F5] a mark follows each checkpoint; after one that failed it is not tried again at once', async () => {
  const cache = new FakeCache();
  vi.stubGlobal('caches', { open: async () => cache });
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const marks = new Marks();
  for (const takenAtMs of [1000, 2000]) {
    await marks.put({ id: 'm', name: 'm', takenAtMs });
    expect(await marks.all()).toEqual([{ id: 'm', name: 'm', takenAtMs }]);
  }

  cache.put.mockRejectedValueOnce(new Error('full'));
  for (const takenAtMs of [3000, 4000]) await marks.put({ id: 'm', name: 'm', takenAtMs });
  expect(cache.put).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(10_000);
  await marks.put({ id: 'm', name: 'm', takenAtMs: 13_000 });
  expect(cache.put).toHaveBeenCalledTimes(4);
});

test('[F5] a browser that dies while it writes a mark has the one before', async () => {
  const cache = new FakeCache();
  vi.stubGlobal('caches', { open: async () => cache });
  const put = (takenAtMs: number) => new Marks().put({ id: 'm', name: 'm', takenAtMs });
  for (const takenAtMs of [1000, 2000, 3000]) await put(takenAtMs);
  // Chromium has neither the old nor the new entry while it replaces one.
  cache.put.mockImplementationOnce(async (url) => void cache.entries.delete(url));
  await put(4000);
  expect(await new Marks().all()).toEqual([{ id: 'm', name: 'm', takenAtMs: 3000 }]);
});

test('[F5] a torn mark does not hide the others', async () => {
  const cache = new FakeCache();
  vi.stubGlobal('caches', { open: async () => cache });
  await new Marks().put({ id: 'm', name: 'm', takenAtMs: 1000 });
  cache.entries.set('torn', new Response('{"id":'));
  expect(await new Marks().all()).toEqual([{ id: 'm', name: 'm', takenAtMs: 1000 }]);
});
