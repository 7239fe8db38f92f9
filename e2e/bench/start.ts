/**
 * Measures how soon a visitor's first prompt answers. The playground opens the demo guest at its prompt,
 * or boots it. Stock v86 boots it. Each runs in a profile that has never opened the site.
 */
import { benchArguments } from './lib/arguments.ts';
import {
  closeOurs,
  closeStock,
  launchBrowser,
  openOurs,
  openStock,
  waitForOurAnswer,
  waitForStockAnswer,
} from './lib/browser.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';

// --count: profiles for each of the three.
const { count, json } = benchArguments(7);
const site = await serveBenchSite();
const browser = await launchBrowser();
printHost('start', browser.version());

async function ourStartMs(boot: 'cold' | 'prompt'): Promise<number> {
  const page = await openOurs(browser, site, { boot });
  const tookMs = await waitForOurAnswer(page);
  await closeOurs(page);
  return tookMs;
}

async function stockStartMs(): Promise<number> {
  const page = await openStock(browser, site);
  const tookMs = await waitForStockAnswer(page);
  await closeStock(page);
  return tookMs;
}

const golden: number[] = [];
const cold: number[] = [];
const stock: number[] = [];
for (let i = 0; i < count; i++) {
  golden.push(await ourStartMs('prompt'));
  cold.push(await ourStartMs('cold'));
  stock.push(await stockStartMs());
}
await browser.close();
await site.close();

const metrics: Metrics = {
  'goldenStartMs.p50': median(golden),
  'coldBootMs.p50': median(cold),
  'stockColdBootMs.p50': median(stock),
};
printTable(
  ['navigation to a prompt that answers, medians', 'ms'],
  [
    ['opened at its prompt', ms(median(golden))],
    ['booted', ms(median(cold))],
    ['stock v86, booted', ms(median(stock))],
  ],
);
writeMetrics('start', metrics, json);
