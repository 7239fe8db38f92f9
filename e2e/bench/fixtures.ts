/** What the npm package weighs, and the code of the page. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { benchArguments } from './lib/arguments.ts';
import { type Metrics, printTable, writeMetrics } from './lib/report.ts';

const { json } = benchArguments(1);

/** Size of what `npm pack` makes. */
function packedBytes(): number {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
  try {
    const shell = process.platform === 'win32';
    execFileSync('npm', ['pack', '--pack-destination', folder], { stdio: 'ignore', shell });
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The page's own scripts, as a server would send them. The emulators are the keeper's. */
function pageJsGzipBytes(): number {
  const scripts = readdirSync('dist/assets').filter((name) => name.endsWith('.js'));
  return scripts.reduce(
    (sum, name) => sum + gzipSync(readFileSync(join('dist/assets', name)), { level: 9 }).length,
    0,
  );
}

const metrics: Metrics = { packedBytes: packedBytes(), pageJsGzipBytes: pageJsGzipBytes() };
printTable(
  ['fixtures', 'bytes'],
  Object.entries(metrics).map(([name, value]) => [name, String(value)]),
);
writeMetrics('fixtures', metrics, json);
