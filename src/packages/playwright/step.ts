/** Steps in the report and in the trace. */
import { test } from '@playwright/test';

/**
 * Runs a step of the present test, if any. It is boxed: an error points to the line of the test that
 * called it.
 */
export function step<T>(title: string, body: () => Promise<T>): Promise<T> {
  return isInTest() ? test.step(title, body, { box: true }) : body();
}

/** A step whose errors point to their origin, such as a function of the test. */
export function openStep<T>(title: string, body: () => Promise<T>): Promise<T> {
  return isInTest() ? test.step(title, body) : body();
}

/** Guests can be used without Playwright's runner, as in benchmarks. */
function isInTest(): boolean {
  try {
    test.info();
    return true;
  } catch {
    return false;
  }
}

/** Shortens a title to one line. */
export function brief(text: string, longest = 60): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
