/**
 * Measures how soon a guest runs again after its browser was closed: a new browser opens the page,
 * which finds the guest in IndexedDB. Compares it with v86 as npm ships it, its state in IndexedDB.
 *
 * The result is the time to the guest's first progress. This project's guest is in a worker and
 * does not wait for its page. Another row is the time until the page, which is still building its
 * terminal and screen, has seen progress. A third row is the time of an empty page.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import { benchArguments } from './lib/arguments.ts';
import { launchBrowser, waitForOurPrompt, waitForStockPrompt } from './lib/browser.ts';
import { addFloor, type Floor, measureFloor } from './lib/floor.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { settled } from './lib/settled.ts';
import { serveBenchSite } from './lib/site.ts';
import { median, quantile } from './lib/stats.ts';

const sizes = [128, 512] as const;
const meterProgram = [...readFileSync(new URL('lib/meter.elf', import.meta.url))];

// --count: new browsers for each of the two at each size.
const { count, json } = benchArguments(7);
const site = await serveBenchSite();
const floorUrl = addFloor(site);

/** A browser whose storage outlives it. */
async function start(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    ...chromiumLaunchOptions(),
    viewport: { width: 1280, height: 900 },
  });
}

async function open(context: BrowserContext, url: string, script?: string): Promise<Page> {
  const page = await context.newPage();
  const browser = context.browser();
  if (!browser) throw new Error('A profile without a browser.');
  await settled(browser);
  page.setDefaultTimeout(120_000);
  page.on('pageerror', (error) => console.error(`[page] ${error.message}`));
  if (script) await page.addInitScript({ content: script });
  await page.goto(url, { waitUntil: 'commit' });
  return page;
}

const ourUrl = (size: number) => `${site.url}?m=${size}`;
const stockUrl = (size: number) => `${site.stockUrl}?m=${size}`;

/** @returns where the meter's pages are in the stored guest */
async function storeOurs(folder: string, size: number): Promise<number[]> {
  const context = await start(folder);
  const page = await open(context, ourUrl(size), site.ourScript);
  await waitForOurPrompt(page);
  await page.evaluate(([program, mib]) => window.ours.meter.start(program, mib), [
    meterProgram,
    size,
  ] as const);
  const addresses = await page.evaluate(async () => {
    await (await window.ours.connected).checkpoint();
    return window.ours.meter.addresses;
  });
  await context.close();
  return addresses;
}

async function storeStock(folder: string, size: number): Promise<number> {
  const context = await start(folder);
  const page = await open(context, stockUrl(size));
  await page.waitForFunction(() => window.stock !== undefined);
  await waitForStockPrompt(page);
  await page.evaluate(([program, mib]) => window.stock.meter.start(program, mib), [
    meterProgram,
    size,
  ] as const);
  const address = await page.evaluate(async () => {
    await window.stock.suspend();
    return window.stock.meter.counterAddress;
  });
  await context.close();
  return address;
}

/**
 * @returns times from the start of the navigation, ms: until the guest resumed, and until the page
 * saw it
 */
async function resumeOurs(folder: string, size: number, addresses: number[]) {
  const context = await start(folder);
  const page = await open(context, ourUrl(size), site.ourScript);
  const took = await page.evaluate((at) => window.ours.resumedMs(at), addresses);
  await context.close();
  return took;
}

/** @returns the same; here page and emulator are one */
async function resumeStock(folder: string, size: number, address: number): Promise<number> {
  const context = await start(folder);
  const page = await open(context, `${stockUrl(size)}&keep&revive=${address}`);
  await page.waitForFunction(() => window.stock?.revivedMs !== undefined);
  const tookMs = await page.evaluate(
    () => (window.stock.revivedMs as number) - performance.timeOrigin,
  );
  await context.close();
  return tookMs;
}

const quantilesOf = (samples: number[]) =>
  [0.5, 0.95, 1].map((share) => ms(quantile(samples, share)));

/** In the same browser as stock: only the code cache is kept from one round to the next. */
async function floorOf(folder: string): Promise<Floor> {
  const context = await start(folder);
  const floor = await measureFloor(await open(context, floorUrl));
  await context.close();
  return floor;
}

const browser = await launchBrowser();
printHost('resume', browser.version());
await browser.close();
const metrics: Metrics = {};
const rows: string[][] = [];
const ratios: string[][] = [];
const floors: Floor[] = [];
for (const size of sizes) {
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'holdfast-resume-'))) as [
    string,
    string,
  ];
  const ourAddresses = await storeOurs(folders[0], size);
  const stockAddress = await storeStock(folders[1], size);
  const ours: number[] = [];
  const seen: number[] = [];
  const stock: number[] = [];
  // Alternately, because the computer's speed drifts. The first of each fills the engine's code
  // cache.
  for (let i = -1; i < count; i++) {
    const our = await resumeOurs(folders[0], size, ourAddresses);
    const theirs = await resumeStock(folders[1], size, stockAddress);
    const floor = await floorOf(folders[1]);
    if (i < 0) continue;
    floors.push(floor);
    ours.push(our.guestMs);
    seen.push(our.seenMs);
    stock.push(theirs);
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  console.log(`${size} MiB: ours ${ours.map(ms).join(', ')}; stock ${stock.map(ms).join(', ')}`);
  const ratio = median(stock) / median(ours);
  metrics[`resumeMs.p50@${size}MiB`] = median(ours);
  metrics[`resumeSeenMs.p50@${size}MiB`] = median(seen);
  metrics[`stockResumeMs.p50@${size}MiB`] = median(stock);
  metrics[`ratio@${size}MiB`] = ratio;
  rows.push(
    [`ours, ${size} MiB`, ...quantilesOf(ours)],
    [`seen by its page, ${size} MiB`, ...quantilesOf(seen)],
    [`stock, ${size} MiB`, ...quantilesOf(stock)],
  );
  ratios.push([`${size} MiB`, ratio.toFixed(1)]);
}
const emptyMs = floors.map(({ emptyPageMs }) => emptyPageMs);
const compiledMs = floors.map((floor) => floor.compiledMs);
metrics['emptyPageMs.p50'] = median(emptyMs);
metrics['compiledFloorMs.p50'] = median(compiledMs);
rows.push(
  ['the script of an empty page', ...quantilesOf(emptyMs)],
  ['its worker has compiled v86.wasm', ...quantilesOf(compiledMs)],
);
printTable([`ms, ${count} new browsers`, 'p50', 'p95', 'max'], rows);
printTable(['', 'stock/us'], ratios);
await site.close();
writeMetrics('resume', metrics, json);
