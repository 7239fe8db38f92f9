import { afterEach, expect, test, vi } from 'vitest';
import { MachineClock } from './machine-clock.ts';

afterEach(() => void vi.restoreAllMocks());

test('no two readings are the same, and the clock never goes back', () => {
  const clock = new MachineClock();
  vi.spyOn(performance, 'now').mockReturnValue(1000);
  const readings = Array.from({ length: 1000 }, clock.now);
  for (let i = 1; i < readings.length; i++) {
    expect(readings[i]).toBeGreaterThan(readings[i - 1] as number);
  }
  expect(readings.at(-1)).toBeCloseTo(1000, 2);
});

test('follows the time', () => {
  const clock = new MachineClock();
  const now = vi.spyOn(performance, 'now').mockReturnValue(10);
  clock.now();
  now.mockReturnValue(5000);
  expect(clock.now()).toBe(5000);
});

test('continues from the reading of another worker, forwards and backwards', () => {
  const clock = new MachineClock();
  const now = vi.spyOn(performance, 'now').mockReturnValue(50);
  clock.now();
  clock.continueFrom(90_000);
  expect(clock.now()).toBeCloseTo(90_000, 3);
  now.mockReturnValue(60);
  expect(clock.now()).toBeCloseTo(90_010, 3);
  clock.continueFrom(7);
  now.mockReturnValue(61);
  expect(clock.now()).toBeCloseTo(8, 3);
});

test('leaves out what passed while it was stopped, unless another reading was given meanwhile', () => {
  const clock = new MachineClock();
  const now = vi.spyOn(performance, 'now').mockReturnValue(50);
  clock.resume();
  clock.stop();
  now.mockReturnValue(60);
  clock.stop();
  expect(clock.now()).toBeCloseTo(60, 3);
  clock.resume();
  expect(clock.now()).toBeCloseTo(50, 3);
  now.mockReturnValue(61);
  expect(clock.now()).toBeCloseTo(51, 3);

  clock.stop();
  clock.continueFrom(7);
  now.mockReturnValue(70);
  clock.resume();
  expect(clock.now()).toBeCloseTo(16, 3);
});

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses %s', (reading) => {
  expect(() => new MachineClock().continueFrom(reading)).toThrow(RangeError);
});
