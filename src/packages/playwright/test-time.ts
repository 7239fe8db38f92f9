/**
 * Limits of waits. A wait ends before its test's timeout, so that its error can show the guest's output.
 */
import { type TestInfo, test } from '@playwright/test';
import { defaultTimeout } from './wait-options.ts';

/** Start of each test's own time, as `performance.now()`. */
const beganMs = new WeakMap<TestInfo, number>();

/** Share of a test's time that is kept for an error and its evidence. */
const marginMs = (timeout: number) => Math.min(2000, timeout / 10);

/** Limit of a wait, and its wording in an error. */
export interface WaitLimit {
  ms: number;
  /** For example `within 30000 ms`. */
  within: string;
}

/** Call this first in each test. */
export function testBegan(testInfo: TestInfo): void {
  beganMs.set(testInfo, performance.now());
}

/** @param timeout of the caller, ms */
export function waitLimit(timeout = defaultTimeout): WaitLimit {
  const testInfo = currentTest();
  const leftMs = testInfo && timeLeft(testInfo);
  if (!testInfo || leftMs === undefined || leftMs >= timeout)
    return { ms: timeout, within: `within ${timeout} ms` };
  const ms = Math.max(0, Math.round(leftMs));
  return { ms, within: `within ${ms} ms, which was left of the test's ${testInfo.timeout} ms` };
}

/**
 * Runs work outside of the test's own time, which is extended by its duration.
 * @param limitMs largest extension
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

/** @returns undefined without a limit */
function timeLeft(testInfo: TestInfo): number | undefined {
  const began = beganMs.get(testInfo);
  // Hooks after a test that timed out have a time limit of their own.
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
