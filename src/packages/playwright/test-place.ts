/** Makes errors before a test point to the test, and not into this library. */
import { fileURLToPath } from 'node:url';
import type { TestInfo } from '@playwright/test';

/** Files of this library: a folder of sources, or of the package. */
const ownFolder = fileURLToPath(new URL('.', import.meta.url));

/** The same error. Its stack has the test's own functions, such as `ready`, and the test itself. */
export function pointingAtTest(error: unknown, testInfo: TestInfo): unknown {
  if (!(error instanceof Error)) return error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const { file, line, column, title } = testInfo;
  error.stack = [
    `${error.name}: ${error.message}`,
    ...frames.filter(isTheirs),
    `    at ${title.replaceAll(/[()]/g, '')} (${file}:${line}:${column})`,
  ].join('\n');
  return error;
}

function isTheirs(frame: string): boolean {
  const path = frame.replaceAll('file://', '');
  return !path.includes(ownFolder) && !/node_modules|node:|<anonymous>/.test(path);
}
