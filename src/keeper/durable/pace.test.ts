import { describe, expect, test } from 'vitest';
import { type Cost, Pace } from './pace.ts';

const cheap: Cost = { busyMs: 2, durationMs: 20, sinceCutMs: 15, pages: 30 };

const repeat = (pace: Pace, cost: Partial<Cost>) => {
  for (let i = 0; i < 20; i++) pace.succeeded({ ...cheap, ...cost });
  return pace.delayMs;
};

/** Time lost by a kill just before the next checkpoint is written, if that takes `durationMs`. */
const lostMs = (pace: Pace, { sinceCutMs }: Cost, durationMs: number, delayMs = pace.delayMs) =>
  sinceCutMs + delayMs + durationMs;

describe('no more than two seconds are lost', () => {
  test.each([
    ['cheap', cheap],
    ['slower', { busyMs: 15, durationMs: 80, sinceCutMs: 75, pages: 300 }],
    ['of 24 MiB', { busyMs: 35, durationMs: 250, sinceCutMs: 220, pages: 6144 }],
    ['of a slow disk', { busyMs: 40, durationMs: 600, sinceCutMs: 580, pages: 6144 }],
  ] satisfies [string, Cost][])('where checkpoints are %s', (_name, cost) => {
    const pace = new Pace();
    repeat(pace, cost);
    expect(lostMs(pace, cost, cost.durationMs)).toBeLessThanOrEqual(1800);
    // As rarely as that allows.
    expect(lostMs(pace, cost, cost.durationMs)).toBeCloseTo(1800, 0);
  });

  test('by a checkpoint that takes longer than those before it, within the margin', () => {
    const pace = new Pace();
    repeat(pace, cheap);
    expect(lostMs(pace, cheap, 200)).toBeLessThanOrEqual(2000);
  });

  test('after a long one, by one that is as long', () => {
    const pace = new Pace();
    repeat(pace, cheap);
    const long: Cost = { busyMs: 30, durationMs: 500, sinceCutMs: 480, pages: 6000 };
    pace.succeeded(long);
    expect(lostMs(pace, long, 500)).toBeLessThanOrEqual(1800);
  });
});

describe('a guest that begins to write much', () => {
  const pages = 10_000;

  test('is stored earlier, by what such pages have taken before', () => {
    const pace = new Pace();
    repeat(pace, { durationMs: 200, sinceCutMs: 190, pages: 4000 });
    repeat(pace, cheap);
    expect(pace.delayFor(30)).toBe(pace.delayMs);
    const delayMs = pace.delayFor(pages);
    expect(delayMs).toBeLessThan(pace.delayMs);
    expect(lostMs(pace, cheap, 500, delayMs)).toBeCloseTo(1800, 0);
  });

  test('is stored at once where it is late already', () => {
    const pace = new Pace();
    repeat(pace, cheap);
    expect(pace.delayFor(pages)).toBe(pace.lookMs);
  });

  test('that it writes as much as before changes nothing', () => {
    const pace = new Pace();
    repeat(pace, { durationMs: 300, sinceCutMs: 280, pages: 6000 });
    expect(pace.delayFor(6000)).toBe(pace.delayMs);
  });
});

test('before anything is known, the next checkpoint comes a second later', () => {
  expect(new Pace().delayMs).toBe(1000);
});

test('where the promise cannot be kept, the guest has most of the time all the same', () => {
  const delayMs = repeat(new Pace(), { busyMs: 600, durationMs: 2000, sinceCutMs: 1900 });
  expect(600 / (delayMs + 2000)).toBeLessThan(0.101);
});

test('but never so rare that much would be lost', () => {
  const cost = { busyMs: 5000, durationMs: 9000, sinceCutMs: 8900 };
  expect(repeat(new Pace(), cost)).toBeLessThanOrEqual(10_000);
});

test('a single dear one does not slow down for long', () => {
  const pace = new Pace();
  pace.succeeded({ busyMs: 600, durationMs: 2000, sinceCutMs: 1900, pages: 6000 });
  expect(pace.delayMs).toBeLessThan(3000);
  expect(repeat(pace, cheap)).toBeCloseTo(1765, 0);
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
  expect(pace.delayFor(100_000)).toBe(60_000);
  pace.succeeded(cheap);
  expect(pace.delayMs).toBeLessThan(1800);
});
