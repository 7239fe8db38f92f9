/** Steps in the report and in the trace. */
import { test } from '@playwright/test';

/**
 * A step of the test that runs, where one does. It is boxed: an error points to the line of the test
 * that asked for it, and not in here.
 */
export function step<T>(title: string, body: () => Promise<T>): Promise<T> {
  return isInTest() ? test.step(title, body, { box: true }) : body();
}

/** A step whose errors point to where they arose: at most a function of the test's own. */
export function openStep<T>(title: string, body: () => Promise<T>): Promise<T> {
  return isInTest() ? test.step(title, body) : body();
}

/** Guests can be driven without Playwright's runner, as benchmarks do. */
function isInTest(): boolean {
  try {
    test.info();
    return true;
  } catch {
    return false;
  }
}

/** For titles: one line, and not too much of it. */
export function brief(text: string, longest = 60): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
