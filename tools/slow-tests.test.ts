import type { FullConfig, TestCase, TestResult, TestStep } from '@playwright/test/reporter';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import SlowTests from './slow-tests.ts';

let printed: string;

beforeEach(() => {
  printed = '';
  const print = (text: string) => {
    printed += `${text}\n`;
  };
  vi.spyOn(console, 'log').mockImplementation(print);
  vi.spyOn(console, 'error').mockImplementation(print);
});

afterEach(() => vi.restoreAllMocks());

/** Reports one test. Returns the status that the run gets from it. */
async function report({ limitMs = 120_000, tags = [] as string[], prepareMs = 0, ms = 1 }) {
  const reporter = new SlowTests();
  reporter.onBegin({ rootDir: '/e2e' } as FullConfig);
  const location = { file: '/e2e/some.spec.ts', line: 3, column: 1 };
  reporter.onTestEnd(
    { title: 'a promise', location, tags, timeout: limitMs } as TestCase,
    {
      duration: ms,
      status: 'passed',
      steps: [
        { category: 'hook', title: 'Before Hooks', duration: prepareMs },
        { category: 'pw:api', title: 'a click', duration: 500_000 },
      ] as TestStep[],
    } as TestResult,
  );
  return (await reporter.onEnd())?.status;
}

test('a test with a limit of its own and no tag fails the run, and is named', async () => {
  expect(await report({ limitMs: 180_000 })).toBe('failed');
  expect(printed).toContain('some.spec.ts:3 a promise');
});

test('the tag allows a limit of its own', async () => {
  expect(await report({ limitMs: 180_000, tags: ['@slow'] })).toBeUndefined();
});

test('time that a fixture takes to prepare a guest is no limit of its own', async () => {
  expect(await report({ limitMs: 120_000 + 3_001, prepareMs: 3_000 })).toBeUndefined();
  expect(await report({ limitMs: 180_000, prepareMs: 3_000 })).toBe('failed');
});

test('a test that takes long is listed, and the run passes', async () => {
  expect(await report({ ms: 30_000 })).toBeUndefined();
  expect(printed).toContain('some.spec.ts:3 a promise (30 s)');
});
