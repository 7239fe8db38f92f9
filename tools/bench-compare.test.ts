import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compare } from './bench-compare.mjs';

const baseline = {
  start: {
    startMs: { value: 100, better: 'lower', tolerance: 10 },
    speed: { value: 50, better: 'higher', tolerance: 20 },
  },
} as const;

test('a number may be worse by its tolerance, and better by anything', () => {
  const report = { name: 'start', metrics: { startMs: 110, speed: 40, other: 1 } };
  expect(compare(baseline, report).faults).toEqual([]);
  expect(compare(baseline, { name: 'start', metrics: { startMs: 1, speed: 900 } }).faults).toEqual(
    [],
  );
});

test('a number that is worse by more fails, in either direction', () => {
  const { faults } = compare(baseline, { name: 'start', metrics: { startMs: 111, speed: 39 } });
  expect(faults).toEqual([
    'start startMs: 111, baseline 100 (11.0 % worse, tolerance 10 %)',
    'start speed: 39, baseline 50 (22.0 % worse, tolerance 20 %)',
  ]);
});

test('a number that is missing fails, and a benchmark without a baseline', () => {
  expect(compare(baseline, { name: 'start', metrics: { speed: 50 } }).faults).toEqual([
    'start startMs: was not measured',
  ]);
  expect(compare(baseline, { name: 'other', metrics: {} }).faults).toEqual([
    'other: has no baseline',
  ]);
});

test('the committed baseline names benchmarks that there are', () => {
  const { about, ...benches } = JSON.parse(readFileSync('e2e/bench/baseline.json', 'utf8'));
  expect(about).toContain('Chromium');
  const there = readdirSync('e2e/bench');
  for (const name of Object.keys(benches)) expect(there).toContain(`${name}.ts`);
});
