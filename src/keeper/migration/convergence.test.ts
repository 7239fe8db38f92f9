import { describe, expect, test, vi } from 'vitest';
import { defaultMigrationParameters } from '../../protocol/migration.ts';
import { Convergence } from './convergence.ts';
import { Throttle } from './throttle.ts';

const parameters = { ...defaultMigrationParameters, downtimeLimitMs: 100 };
const round = (writtenPages: number, sentPages = 10_000, workMs = 200) => ({
  writtenPages,
  sentPages,
  workMs,
});

describe('[MI13] a guest is stopped', () => {
  test('once few pages are left', () => {
    const { isDone, expectedDowntimeMs } = new Convergence().after(round(300), parameters);
    expect(isDone).toBe(true);
    expect(expectedDowntimeMs).toBeLessThan(25);
  });

  test('not while rounds still gain, and then if the rest fits the limit', () => {
    const convergence = new Convergence();
    expect(convergence.after(round(4000), parameters).isDone).toBe(false);
    expect(convergence.after(round(2000, 4000, 80), parameters).isDone).toBe(false);
    for (let more = 0; more < 3; more++)
      expect(convergence.after(round(1900, 2000, 40), parameters).isDone).toBe(false);
    expect(convergence.after(round(1900, 2000, 40), parameters).isDone).toBe(true);
  });

  test('also if only its first round was slow', () => {
    const convergence = new Convergence();
    expect(convergence.after(round(400, 10_000, 20_000), parameters).isDone).toBe(false);
    expect(convergence.after(round(400, 400, 8), parameters).isDone).toBe(true);
  });

  test('at once after a round without gain, if the rest takes a short time', () => {
    const convergence = new Convergence();
    expect(convergence.after(round(750, 10_000, 200), parameters).isDone).toBe(false);
    expect(convergence.after(round(740, 750, 15), parameters).isDone).toBe(true);
  });

  test('not while the rest takes longer than the limit', () => {
    const convergence = new Convergence();
    for (let i = 0; i < 5; i++)
      expect(convergence.after(round(9000), parameters)).toMatchObject({ isDone: false });
  });
});

describe('a guest that writes faster than the channel carries', () => {
  test('[MI14] is slowed in steps, and no further than to a hundredth', () => {
    const convergence = new Convergence();
    const throttled = Array.from(
      { length: 12 },
      () => convergence.after(round(9000), parameters).throttlePercent,
    );
    expect(throttled).toEqual([0, 20, 30, 40, 50, 60, 70, 80, 90, 99, 99, 99]);
  });

  test.each([true, false])('[MI14] is given up in the end (auto-converge %s)', (autoConverge) => {
    const convergence = new Convergence();
    const go = () => {
      for (let i = 0; i < 40; i++) convergence.after(round(9000), { ...parameters, autoConverge });
    };
    expect(go).toThrow(/faster than the channel/);
  });
});

test('[MI14] a slowed guest stands still for its share of the time, and runs at the end', () => {
  vi.useFakeTimers();
  let holds = 0;
  let heldMs = 0;
  const throttle = new Throttle({ hold: () => holds++, release: () => holds-- });
  throttle.set(60);
  for (let ms = 0; ms < 1000; ms++) {
    heldMs += holds;
    vi.advanceTimersByTime(1);
  }
  expect(heldMs).toBeGreaterThan(550);
  expect(heldMs).toBeLessThan(650);
  throttle.end();
  expect(holds).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(holds).toBe(0);
  vi.useRealTimers();
});
