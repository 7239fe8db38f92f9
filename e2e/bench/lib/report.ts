import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';

export type Metrics = Record<string, number>;

/** Prints the computer and the browser, without which the numbers mean nothing. */
export function printHost(name: string, browserVersion: string): void {
  const [cpu] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `${name}: Chromium ${browserVersion}, ${cpus().length} x ${cpu?.model}, load ${load}`,
  );
}

/** Prints rows below headings: the first column to the left, the others to the right. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => (line[i] ?? '').length)));
  const format = (line: readonly string[]) =>
    widths
      .map((width, i) =>
        i === 0 ? (line[i] ?? '').padEnd(width) : (line[i] ?? '').padStart(width),
      )
      .join('  ');
  const [first = '', ...others] = lines.map(format);
  console.log(`\n${first}\n${widths.map((width) => '-'.repeat(width)).join('  ')}`);
  for (const line of others) console.log(line);
}

/** Formats milliseconds for users. */
export const ms = (value: number): string =>
  Number.isNaN(value) ? '–' : value < 100 ? value.toFixed(1) : value.toFixed(0);

/** Writes `{name, metrics}` to the file of `--json`. */
export function writeMetrics(name: string, metrics: Metrics, file: string | undefined): void {
  for (const [key, value] of Object.entries(metrics))
    if (!Number.isFinite(value)) throw new Error(`The benchmark has no value for ${key}.`);
  const rounded = Object.fromEntries(
    Object.entries(metrics).map(([key, value]) => [key, Number(value.toFixed(3))]),
  );
  if (file !== undefined)
    writeFileSync(file, `${JSON.stringify({ name, metrics: rounded }, null, 2)}\n`);
}
