/**
 * Waits that end before the test that makes them. What ends by a test's own timeout says no more
 * than that; a wait that ends by itself shows what the guest did meanwhile.
 */
import { type TestInfo, test } from '@playwright/test';
import { defaultTimeout } from './wait-options.ts';

/** When each test's own time began, as `performance.now()`. */
const beganMs = new WeakMap<TestInfo, number>();

/** Left of a test's time for an error and its evidence. */
const marginMs = (timeout: number) => Math.min(2000, timeout / 10);

/** How long something may take, and how an error says so. */
export interface WaitLimit {
  ms: number;
  /** As in `within 30000 ms`. */
  within: string;
}

/** To be called as the first thing of each test. */
export function testBegan(testInfo: TestInfo): void {
  beganMs.set(testInfo, performance.now());
}

/** @param timeout as the caller asked, ms */
export function waitLimit(timeout = defaultTimeout): WaitLimit {
  const testInfo = currentTest();
  const leftMs = testInfo && timeLeft(testInfo);
  if (!testInfo || leftMs === undefined || leftMs >= timeout)
    return { ms: timeout, within: `within ${timeout} ms` };
  const ms = Math.max(0, Math.round(leftMs));
  return { ms, within: `within ${ms} ms, which was left of the test's ${testInfo.timeout} ms` };
}

/**
 * Runs what is not part of the test's own time, which grows by what this takes.
 * @param limitMs the most that it may grow by
 */
export async function besideTestTime<T>(
  testInfo: TestInfo,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const { timeout } = testInfo;
  if (timeout === 0) return work();
  const startMs = performance.now();
  testInfo.setTimeout(timeout + limitMs);
  try {
    return await work();
  } finally {
    testInfo.setTimeout(timeout + Math.ceil(performance.now() - startMs));
  }
}

/** @returns undefined where nothing limits it */
function timeLeft(testInfo: TestInfo): number | undefined {
  const began = beganMs.get(testInfo);
  // What runs after a test that timed out has a time of its own.
  if (began === undefined || testInfo.timeout === 0 || testInfo.status === 'timedOut')
    return undefined;
  return began + testInfo.timeout - marginMs(testInfo.timeout) - performance.now();
}

function currentTest(): TestInfo | undefined {
  try {
    return test.info();
  } catch {
    return undefined;
  }
}
