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
  const delayMs = repeat(new Pace(), { busyMs: 40, durationMs: 50 });
  expect(delayMs).toBeCloseTo(1283, 0);
  expect(40 / (delayMs + 50)).toBeLessThan(0.031);
});

test('but not so rare that more than two seconds would be lost', () => {
  const delayMs = repeat(new Pace(), { busyMs: 90, durationMs: 400 });
  expect(delayMs + 2 * 400).toBeLessThanOrEqual(2000);
});

test('where that cannot be had, the guest has most of the time all the same', () => {
  const delayMs = repeat(new Pace(), { busyMs: 600, durationMs: 2000 });
  expect(600 / (delayMs + 2000)).toBeLessThan(0.101);
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
