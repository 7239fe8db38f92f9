import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Switchover } from './switchover.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('[MI12] a switchover is given up as soon as its limit has passed', () => {
  const tooLong = vi.fn();
  const switchover = new Switchover(100, tooLong);
  vi.advanceTimersByTime(99);
  expect(tooLong).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(tooLong).toHaveBeenCalledWith(expect.objectContaining({ code: 'migration-failed' }));
  switchover.end();
});

test('[MI12] a switchover that was too long is given up although no timer has run', () => {
  const switchover = new Switchover(100, () => {});
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 101);
  expect(() => switchover.requireShort()).toThrow(/limit of 100 ms/);
  vi.restoreAllMocks();
});

test('a switchover that ends says what its time was spent on, and is not given up later', () => {
  const tooLong = vi.fn();
  const switchover = new Switchover(100, tooLong);
  for (const part of ['memoryMs', 'saveMs', 'sendMs', 'loadMs'] as const) {
    vi.advanceTimersByTime(10);
    switchover.ended(part);
  }
  switchover.requireShort();
  vi.advanceTimersByTime(500);
  switchover.ended('runMs');
  expect(switchover.parts).toEqual({
    memoryMs: 10,
    saveMs: 10,
    sendMs: 10,
    loadMs: 10,
    runMs: 500,
  });
  expect(tooLong).not.toHaveBeenCalled();
});
