/**
 * Measures how long a guest is paused when its runtime is replaced, and how long it is slow after
 * that. Compares it with v86 as npm ships it: save, store, reload, load, restore.
 */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from '@playwright/test';
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
import type { RestartMeasurement } from './lib/our-restart.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median, quantile } from './lib/stats.ts';

const sizes = [128, 512, 1024] as const;
/** Stock is compared at these; at 1 GiB its state alone takes seconds. */
const stockSizes = [128, 512] as const;
const meterProgram = [...readFileSync(new URL('lib/meter.elf', import.meta.url))];

// --count: restarts of a guest of each size. Whole browsers are too slow for as many.
const { count, json } = benchArguments(20);
const coldCount = Math.max(1, Math.ceil(count / 3));
const stockCount = Math.max(1, Math.ceil(count / 4));
const site = await serveBenchSite();

/** Opens this project's page with a Linux that runs the meter. */
async function openMeter(browser: Browser, memoryMiB: number): Promise<Page> {
  const page = await openOurs(browser, site, { memoryMiB });
  await waitForOurPrompt(page);
  await page.evaluate(([program, size]) => window.ours.meter.start(program, size), [
    meterProgram,
    memoryMiB,
  ] as const);
  await page.evaluate(() => window.ours.meter.steady());
  return page;
}

/** @param nth restarts move to each runtime of the build in turn; the guest began in the first. */
function restart(page: Page, nth: number): Promise<RestartMeasurement> {
  const runtime = site.runtimes[(nth + 1) % site.runtimes.length];
  if (!runtime) throw new Error('This build ships no runtimes.');
  return page.evaluate((source) => window.ours.measureRestart(source), runtime);
}

/** Many restarts of one guest. */
async function warmRestarts(
  browser: Browser,
  memoryMiB: number,
  times: number,
): Promise<RestartMeasurement[]> {
  const page = await openMeter(browser, memoryMiB);
  const measured: RestartMeasurement[] = [];
  for (let i = 0; i < times; i++) measured.push(await restart(page, i));
  await closeOurs(page);
  return measured;
}

/** The first restart of a browser, which has never compiled any code of the other runtime. */
async function coldRestart(): Promise<RestartMeasurement> {
  const browser = await launchBrowser();
  const page = await openMeter(browser, 128);
  const measured = await restart(page, 0);
  await browser.close();
  return measured;
}

/** @returns from the guest's last progress to its next, ms */
async function stockGap(browser: Browser, memoryMiB: number): Promise<number> {
  const page = await openStock(browser, site, { memoryMiB });
  await waitForStockPrompt(page);
  await page.evaluate(([program, size]) => window.stock.meter.start(program, size), [
    meterProgram,
    memoryMiB,
  ] as const);
  await page.waitForTimeout(2000);
  const counterAddress = await page.evaluate(() => window.stock.meter.counterAddress);
  // The address passes the data to the second document.
  const url = new URL(page.url());
  url.searchParams.set('revive', String(counterAddress));
  await page.evaluate((href) => history.replaceState(null, '', href), url.href);
  const lastMs = await page.evaluate(async () => {
    const last = await window.stock.suspend();
    // From the page itself, as soon as possible: no time of the benchmark is in the gap.
    setTimeout(() => location.reload());
    return last;
  });
  await page.waitForFunction(() => window.stock?.revivedMs !== undefined);
  const firstMs = await page.evaluate(() => window.stock.revivedMs as number);
  await closeStock(page);
  return firstMs - lastMs;
}

const browser = await launchBrowser();
printHost('restart', browser.version());
const warm = new Map<number, RestartMeasurement[]>();
const gaps = new Map<number, number[]>(stockSizes.map((size) => [size, []]));
const cold: RestartMeasurement[] = [];
for (const size of sizes) {
  // Most rounds at the usual size; the others show that the size makes no difference.
  const times = size === 128 ? count : Math.ceil(count / 2);
  warm.set(size, await warmRestarts(browser, size, times));
  console.log(`${size} MiB: ${times} restarts`);
  const stockGaps = gaps.get(size);
  if (!stockGaps) continue;
  for (let i = 0; i < stockCount; i++) stockGaps.push(await stockGap(browser, size));
  console.log(`${size} MiB: stock gaps ${stockGaps.map(ms).join(', ')}`);
}
await browser.close();
for (let i = 0; i < coldCount; i++) {
  const measured = await coldRestart();
  cold.push(measured);
  const { recoverMs, lostWorkMs, guestGapMs } = measured;
  console.log(
    `first hand-over of a browser, ${i + 1} of ${coldCount}: gap ${ms(guestGapMs)}, ` +
      `recovery ${ms(recoverMs)}, work lost ${ms(lostWorkMs)} (prepared in ${ms(measured.timings.prepareMs)})`,
  );
}

type Pick = (measured: RestartMeasurement) => number;
const at = (size: number) => warm.get(size) ?? [];
const over = (measured: RestartMeasurement[], pick: Pick, share = 0.5) =>
  quantile(measured.map(pick), share);
const pause: Pick = ({ timings }) => timings.pauseMs;
const metrics: Metrics = {
  'pauseMs.p50@128MiB': over(at(128), pause),
  'pauseMs.p95@128MiB': over(at(128), pause, 0.95),
  'pauseMs.p50@512MiB': over(at(512), pause),
  'pauseMs.p50@1024MiB': over(at(1024), pause),
  stopMs: over(at(128), ({ timings }) => timings.stopMs),
  saveMs: over(at(128), ({ timings }) => timings.saveMs),
  swapMs: over(at(128), ({ timings }) => timings.swapMs),
  loadMs: over(at(128), ({ timings }) => timings.loadMs),
  'guestGapMs.p50@128MiB': over(at(128), (measured) => measured.guestGapMs),
  'recoverMs.p50': over(cold, (measured) => measured.recoverMs),
  'lostWorkMs.p50': over(cold, (measured) => measured.lostWorkMs),
  'firstGuestGapMs.p50': over(cold, (measured) => measured.guestGapMs),
};
for (const size of stockSizes) {
  const stockMs = median(gaps.get(size) ?? []);
  metrics[`stockGapMs.p50@${size}MiB`] = stockMs;
  metrics[`ratio@${size}MiB`] = stockMs / over(at(size), pause);
}

const quantiles = (measured: RestartMeasurement[], pick: Pick) =>
  [0.5, 0.95, 1].map((share) => ms(over(measured, pick, share)));
printTable(
  ['our restarts, ms', 'p50', 'p95', 'max'],
  [
    ...sizes.map((size) => [`pause, ${size} MiB`, ...quantiles(at(size), pause)]),
    ...(['stopMs', 'saveMs', 'swapMs', 'loadMs'] as const).map((part) => [
      `  ${part}, 128 MiB`,
      ...quantiles(at(128), ({ timings }) => timings[part]),
    ]),
    ...sizes.map((size) => [
      `guest without progress, ${size} MiB`,
      ...quantiles(at(size), (m) => m.guestGapMs),
    ]),
    ["  of which the guest's clock stood", ...quantiles(at(128), (m) => m.clockStoodMs)],
    ['  without a restart', ...quantiles(at(128), (m) => m.baselineGapMs)],
    ['back at 90 % speed, known runtime', ...quantiles(at(128), (m) => m.recoverMs)],
    ['  work lost', ...quantiles(at(128), (m) => m.lostWorkMs)],
    ['first hand-over of a browser: pause', ...quantiles(cold, pause)],
    ['  preparation, the guest running', ...quantiles(cold, ({ timings }) => timings.prepareMs)],
    ['  longest gap meanwhile', ...quantiles(cold, (m) => m.prepareGapMs)],
    ['  guest without progress', ...quantiles(cold, (m) => m.guestGapMs)],
    ['  back at 90 % speed', ...quantiles(cold, (m) => m.recoverMs)],
    ['  work lost', ...quantiles(cold, (m) => m.lostWorkMs)],
  ],
);
printTable(
  ['medians, ms', 'our pause', 'stock gap', 'stock/us'],
  stockSizes.map((size) => [
    `${size} MiB`,
    ms(over(at(size), pause)),
    ms(metrics[`stockGapMs.p50@${size}MiB`] ?? Number.NaN),
    (metrics[`ratio@${size}MiB`] ?? Number.NaN).toFixed(1),
  ]),
);
await site.close();
writeMetrics('restart', metrics, json);
