/** What tests with the fixtures say when they fail, and that the next one does not boot for it. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { promisify, stripVTControlCharacters } from 'node:util';
import { expect, test } from '@playwright/test';

interface Result {
  status: string;
  duration: number;
  error?: { message: string; stack?: string; location?: { file: string; line: number } };
  errors: { message: string }[];
  attachments: { name: string; path?: string; body?: string }[];
  annotations: { type: string; description?: string }[];
}

const spec = 'e2e/failing/boot.failing.ts';
let results: Map<string, Result>;

const resultOf = (title: string) => results.get(title) as Result;
const messageOf = ({ error }: Result) => stripVTControlCharacters(error?.message ?? '');
const attached = ({ attachments }: Result, name: string) =>
  attachments.find((attachment) => attachment.name === name);

test.beforeAll(async () => {
  test.setTimeout(240_000);
  const { TEST_WORKER_INDEX: _, ...env } = process.env;
  const cli = 'node_modules/@playwright/test/cli.js';
  const run = await promisify(execFile)(
    process.execPath,
    [cli, 'test', '-c', 'e2e/failing/playwright.config.ts'],
    { env, maxBuffer: 1 << 26 },
  ).catch((failed: { stdout: string }) => failed);
  const report = JSON.parse(run.stdout);
  expect(report.errors).toEqual([]);
  const specs = report.suites.flatMap(({ specs }: { specs: unknown[] }) => specs);
  results = new Map(
    specs.map(({ title, tests }: { title: string; tests: { results: Result[] }[] }) => [
      title,
      tests[0]?.results[0],
    ]),
  );
});

test('a boot that fails in "ready" has evidence, points to the test, and says that it was graphics', () => {
  const result = resultOf('does not boot');
  expect(messageOf(result)).toMatch(
    /did not show \/never\/[\s\S]*--- screen ---\n\(The guest shows graphics, \d+ x \d+ pixels/,
  );
  const at = readFileSync(spec, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes('/never/, { timeout: 300 }'));
  expect(result.error?.location).toMatchObject({
    file: expect.stringMatching(/boot\.failing\.ts$/),
    line: at + 1,
  });
  expect(result.attachments.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['serial0.log', 'screen.txt', 'screen.png', 'guest.state']),
  );
  // Its boot is part of how long it took.
  expect(result.duration).toBeGreaterThan(300);
});

test('a wait ends before the test that makes it, and shows the console', () => {
  const result = resultOf('waits too long');
  expect(result.status).toBe('failed');
  expect(messageOf(result)).toMatch(
    /serial0 did not show \/never\/ within \d+ ms, which was left of the test's 15000 ms\.\n--- serial console ---[\s\S]*holdfast/,
  );
});

test('after a failed test, and after a killed browser, the golden guest does not boot again', () => {
  const boots = [
    'fails',
    'follows on a test that failed',
    'follows on a browser that was killed',
  ].map((title) => resultOf(title).annotations.find(({ type }) => type === 'boot')?.description);
  expect(boots[0]).toMatch(/^[0-9a-f-]{36}\n$/);
  expect(boots).toEqual([boots[0], boots[0], boots[0]]);
  expect(resultOf('follows on a test that failed').errors).toEqual([]);
  expect(resultOf('follows on a browser that was killed').errors).toEqual([]);
});

test('the state is in the report, and not in the trace as well', () => {
  const result = resultOf('fails');
  const state = attached(result, 'guest.state');
  const trace = attached(result, 'trace');
  expect(state?.body).toBeUndefined();
  const stateBytes = statSync(state?.path ?? '').size;
  expect(stateBytes).toBeGreaterThan(1 << 20);
  expect(statSync(trace?.path ?? '').size).toBeLessThan(stateBytes / 2);
});
