/**
 * Measures the waits of a test with the published fixtures: a fresh guest from the golden one, and
 * the round trip of a command. Also reports the size of the npm package and of the page's code.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from '@playwright/test';
import { GoldenGuest, type Guest, Site } from '../../src/packages/playwright/index.ts';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import { benchArguments } from './lib/arguments.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { median, quantile } from './lib/stats.ts';

/** Work of a test in its guest before the next one needs a fresh one. */
const testBody = 'mkdir /tmp/d; seq 10000 >/tmp/d/numbers; sort -r /tmp/d/numbers >/tmp/d/sorted';
const commandsPerGuest = 5;

async function timed(action: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await action();
  return performance.now() - beganMs;
}

async function freshGuests(golden: GoldenGuest, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const guest = await golden.fresh();
    await guest.succeed(testBody);
    times.push(await timed(() => golden.fresh()));
  }
  return times;
}

async function commands(guest: Guest, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) times.push(await timed(() => guest.execute('true')));
  return times;
}

/** Returns the size of the package from `npm pack`. */
function packedBytes(): number {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
  try {
    const shell = process.platform === 'win32';
    const args = ['pack', '--ignore-scripts=false', '--pack-destination', folder];
    execFileSync('npm', args, { stdio: 'ignore', shell });
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Returns the size of the page's own scripts, compressed as a server sends them. The runtimes
 * belong to the keeper.
 */
function pageJsGzipBytes(): number {
  const scripts = readdirSync('dist/assets').filter((name) => name.endsWith('.js'));
  return scripts.reduce(
    (sum, name) => sum + gzipSync(readFileSync(join('dist/assets', name)), { level: 9 }).length,
    0,
  );
}

// --count: fresh guests.
const { count, json } = benchArguments(30);
const site = await Site.serve({ root: 'dist' });
const launchOptions = chromiumLaunchOptions();
const golden = await GoldenGuest.boot({}, { site, browserType: chromium, launchOptions });
try {
  const guest = await golden.fresh();
  printHost('fixtures', guest.page.context().browser()?.version() ?? '');
  const guestFixtureMs = await freshGuests(golden, count);
  const executeMs = await commands(await golden.fresh(), count * commandsPerGuest);
  const metrics: Metrics = {
    'guestFixtureMs.p50': median(guestFixtureMs),
    'guestFixtureMs.p95': quantile(guestFixtureMs, 0.95),
    'executeMs.p50': median(executeMs),
    'executeMs.p95': quantile(executeMs, 0.95),
    packedBytes: packedBytes(),
    pageJsGzipBytes: pageJsGzipBytes(),
  };
  const row = (what: string, name: string) => [
    what,
    ms(metrics[`${name}.p50`] ?? Number.NaN),
    ms(metrics[`${name}.p95`] ?? Number.NaN),
  ];
  printTable(
    ['ms', 'p50', 'p95'],
    [row('a fresh guest from the golden one', 'guestFixtureMs'), row('a command', 'executeMs')],
  );
  const sizes = ['packedBytes', 'pageJsGzipBytes'].map((name) => [name, String(metrics[name])]);
  printTable(['size', 'bytes'], sizes);
  writeMetrics('fixtures', metrics, json);
} finally {
  await golden.close();
  await site.close();
}
