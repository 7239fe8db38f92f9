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
