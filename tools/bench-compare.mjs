/**
 * `node tools/bench-compare.mjs FILE...`: compares what `npm run bench -- NAME --json FILE` wrote with
 * e2e/bench/baseline.json, and fails where a number is worse by more than its tolerance.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/** @typedef {{ value: number, better: 'lower' | 'higher', tolerance: number }} Expected */
/** @typedef {{ name: string, metrics: Record<string, number> }} Report */
/** @typedef {Record<string, Record<string, Expected> | string>} Baseline */

/**
 * @param {Baseline} baseline
 * @param {Report} report
 * @returns {{ lines: string[], faults: string[] }}
 */
export function compare(baseline, { name, metrics }) {
  const expected = baseline[name];
  if (typeof expected !== 'object') return { lines: [], faults: [`${name}: has no baseline`] };
  const lines = [];
  const faults = [];
  for (const [metric, { value, better, tolerance }] of Object.entries(expected)) {
    const measured = metrics[metric];
    if (measured === undefined || !Number.isFinite(measured)) {
      faults.push(`${name} ${metric}: was not measured`);
      continue;
    }
    const worse = ((better === 'lower' ? measured - value : value - measured) / value) * 100;
    const line = `${name} ${metric}: ${measured}, baseline ${value} (${worse > 0 ? `${worse.toFixed(1)} % worse` : 'no worse'}, tolerance ${tolerance} %)`;
    lines.push(line);
    if (worse > tolerance) faults.push(line);
  }
  return { lines, faults };
}

if (process.argv[1] === import.meta.filename) {
  const baseline = JSON.parse(readFileSync(join(root, 'e2e/bench/baseline.json'), 'utf8'));
  const faults = [];
  for (const file of process.argv.slice(2)) {
    const result = compare(baseline, JSON.parse(readFileSync(file, 'utf8')));
    for (const line of result.lines) console.log(line);
    faults.push(...result.faults);
  }
  for (const fault of faults) console.error(`Worse than the baseline: ${fault}`);
  process.exitCode = process.argv.length < 3 || faults.length > 0 ? 1 : 0;
}
