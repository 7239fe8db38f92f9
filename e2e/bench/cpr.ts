/**
 * Measures how long a guest at its prompt takes to be saved and loaded through `cprSave` and
 * `cprLoad`. Measures the size of its vmstate, too, and compares both with v86's own save_state and
 * restore_state. Also tests damaged vmstates.
 */
import type { Page } from '@playwright/test';
import { fuzzVmstates } from '../../src/runtime/testing/fuzz-vmstates.ts';
import { benchArguments } from './lib/arguments.ts';
import {
  closeOurs,
  closeStock,
  launchBrowser,
  openOurs,
  openStock,
  waitForOurPrompt,
  waitForStockPrompt,
} from './lib/browser.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';

const memoryMiB = 128;
const fuzzCases = 100_000;
const fuzzSeed = 20_261_123;

interface Round {
  saveMs: number;
  loadMs: number;
  vmstateBytes: number;
}

/** Preparations while the guest still runs (`prepareMs`) are not part of either. */
function ourRound(page: Page): Promise<Round> {
  return page.evaluate(async () => {
    const machine = await window.ours.connected;
    const began = performance.now();
    const saved = await machine.cprSave({ kind: 'bytes' }, { mode: 'restart' });
    const savedMs = performance.now();
    if (!saved.bytes) throw new Error('cprSave gave no bytes.');
    const loaded = await machine.cprLoad({ kind: 'bytes', bytes: saved.bytes });
    return {
      saveMs: savedMs - began - saved.timings.prepareMs,
      loadMs: performance.now() - savedMs - loaded.timings.prepareMs,
      vmstateBytes: saved.vmstateBytes,
    };
  });
}

// --count: rounds of each.
const { count, json } = benchArguments(20);
const site = await serveBenchSite();
const browser = await launchBrowser();
printHost('cpr', browser.version());

const ourPage = await openOurs(browser, site, { memoryMiB });
await waitForOurPrompt(ourPage);
const ours: Round[] = [];
for (let i = 0; i < count; i++) ours.push(await ourRound(ourPage));
await closeOurs(ourPage);

const stockPage = await openStock(browser, site, { memoryMiB });
await waitForStockPrompt(stockPage);
const stock: Round[] = [];
for (let i = 0; i < Math.max(1, Math.ceil(count / 4)); i++)
  stock.push(await stockPage.evaluate(() => window.stock.saveAndRestore()));
await closeStock(stockPage);
await browser.close();

const fuzz = fuzzVmstates(fuzzCases, fuzzSeed);
const over = (rounds: Round[], pick: (round: Round) => number) => median(rounds.map(pick));
const metrics: Metrics = {
  'saveMs.p50': over(ours, ({ saveMs }) => saveMs),
  'loadMs.p50': over(ours, ({ loadMs }) => loadMs),
  vmstateBytes: over(ours, ({ vmstateBytes }) => vmstateBytes),
  'stockSaveMs.p50': over(stock, ({ saveMs }) => saveMs),
  'stockLoadMs.p50': over(stock, ({ loadMs }) => loadMs),
  stockBytes: over(stock, ({ vmstateBytes }) => vmstateBytes),
  'fuzz.cases': fuzz.cases,
  'fuzz.untyped': fuzz.failures.length,
};
const row = (what: string, our: string, other: string, format: (value: number) => string) => {
  const [a = Number.NaN, b = Number.NaN] = [metrics[our], metrics[other]];
  return [what, format(a), format(b), (b / a).toFixed(1)];
};
printTable(
  ['medians', 'ours', 'stock', 'stock/us'],
  [
    row('save, ms', 'saveMs.p50', 'stockSaveMs.p50', ms),
    row('load, ms', 'loadMs.p50', 'stockLoadMs.p50', ms),
    row('state, bytes', 'vmstateBytes', 'stockBytes', String),
  ],
);
printTable(
  ['damaged vmstates', 'cases'],
  [...fuzz.outcomes].map(([outcome, cases]) => [outcome, String(cases)]),
);
await site.close();
writeMetrics('cpr', metrics, json);
