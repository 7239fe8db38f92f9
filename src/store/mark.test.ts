import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Marks } from './mark.ts';

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

test('[F5] a mark follows each checkpoint; after one that failed it is not tried again at once', async () => {
  const put = vi.fn<(url: string, answer: Response) => Promise<void>>(async () => undefined);
  vi.stubGlobal('caches', { open: async () => ({ put }) });
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
  const marks = new Marks();
  for (const takenAtMs of [1000, 2000]) await marks.put({ id: 'm', name: 'm', takenAtMs });
  const texts = await Promise.all(put.mock.calls.map(([, answer]) => answer.text()));
  expect(texts.map((text) => JSON.parse(text).takenAtMs)).toEqual([1000, 2000]);

  put.mockRejectedValueOnce(new Error('full'));
  for (const takenAtMs of [3000, 4000]) await marks.put({ id: 'm', name: 'm', takenAtMs });
  expect(put).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(10_000);
  await marks.put({ id: 'm', name: 'm', takenAtMs: 13_000 });
  expect(put).toHaveBeenCalledTimes(4);
});
