import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

const repeat = (pace: Pace, cost: { busyMs: number; durationMs: number }) => {
  for (let i = 0; i < 20; i++) pace.succeeded(cost);
  return pace.delayMs;
};

test('a cheap checkpoint is followed by the next a second later', () => {
  expect(repeat(new Pace(), { busyMs: 2, durationMs: 15 })).toBeCloseTo(1000, 0);
});

test('dear ones become rarer, so that the guest hardly feels them', () => {
  const delayMs = repeat(new Pace(), { busyMs: 90, durationMs: 400 });
  expect(delayMs).toBeCloseTo(2600, 0);
  expect(90 / (delayMs + 400)).toBeLessThan(0.031);
});

test('but never so rare that much would be lost', () => {
  expect(repeat(new Pace(), { busyMs: 5000, durationMs: 9000 })).toBeLessThanOrEqual(10_000);
});

test('a single dear one does not slow down for long', () => {
  const pace = new Pace();
  pace.succeeded({ busyMs: 300, durationMs: 500 });
  expect(repeat(pace, { busyMs: 1, durationMs: 10 })).toBeCloseTo(1000, 0);
});

test('the first one, which writes everything, slows nothing down', () => {
  const pace = new Pace();
  pace.failed();
  pace.began();
  expect(pace.delayMs).toBe(1000);
});

test('failures are tried again, later and later, and forgotten once it works', () => {
  const pace = new Pace();
  const delays = Array.from({ length: 8 }, () => {
    pace.failed();
    return pace.delayMs;
  });
  expect(delays.slice(0, 3)).toEqual([2000, 4000, 8000]);
  expect(delays.at(-1)).toBe(60_000);
  pace.succeeded({ busyMs: 1, durationMs: 10 });
  expect(pace.delayMs).toBe(1000);
});
