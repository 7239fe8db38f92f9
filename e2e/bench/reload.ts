/**
 * Measures the effect of a page's reload on the guest (by its own clock: the longest time without
 * progress), and how soon the new page shows it again.
 */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { benchArguments } from './lib/arguments.ts';
import { closeOurs, launchBrowser, openOurs, waitForOurPrompt } from './lib/browser.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median, quantile } from './lib/stats.ts';

const meterProgram = [...readFileSync(new URL('lib/meter.elf', import.meta.url))];
const marker = 'written before the reload';
/** Time from the start of the reload, long enough for all of it. */
const observedMs = 2000;

const { count, json } = benchArguments(20);
const site = await serveBenchSite();
addEmptyPage();
const browser = await launchBrowser();
printHost('reload', browser.version());

/** An empty page that loads as many bytes: the lower limit for a page of this size. */
function addEmptyPage(): void {
  const assets = site.pageAssets.map(({ name, type, sizeBytes }) => {
    const isScript = type === 'text/javascript';
    site.add(`empty-${name}`, type, `/*${' '.repeat(sizeBytes - 4)}*/`);
    return isScript
      ? `<script type="module" src="empty-${name}"></script>`
      : `<link rel="stylesheet" href="empty-${name}">`;
  });
  site.add('empty.html', 'text/html', `<!doctype html><title>empty</title>${assets.join('')}<p>.`);
}

/** @returns time from the start of the navigation until the empty page was painted, ms */
function paintedMs(page: Page): Promise<number> {
  // No function in here may have a name: tsx marks those with a helper that no page has.
  return page.evaluate(async () => {
    while (document.readyState !== 'complete')
      await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => requestAnimationFrame(done));
    return performance.now();
  });
}

async function gapAround(page: Page, action: () => Promise<void>): Promise<number> {
  await page.evaluate(() => window.ours.meter.takeLongestGapMs());
  const control = await page.evaluate(() => window.ours.meter.addresses);
  await action();
  await page.waitForTimeout(observedMs);
  return page.evaluate((addresses) => {
    window.ours.meter.addresses = addresses;
    return window.ours.meter.takeLongestGapMs();
  }, control);
}

const page = await openOurs(browser, site);
await waitForOurPrompt(page);
await page.evaluate((program) => window.ours.meter.start(program, 128), meterProgram);
await page.evaluate(() => window.ours.meter.steady());
await page.evaluate((text) => window.ours.timeCommand(`echo '${text}'`), marker);

const empty = await browser.newPage();
await empty.goto(`${site.url}bench/empty.html`);

const gaps: number[] = [];
const baselines: number[] = [];
const attach: number[] = [];
const emptyPage: number[] = [];
for (let i = 0; i < count; i++) {
  baselines.push(await gapAround(page, async () => {}));
  gaps.push(
    await gapAround(page, async () => {
      await page.reload({ waitUntil: 'commit' });
      attach.push(await page.evaluate((text) => window.ours.shownMs(text), marker));
    }),
  );
  await empty.reload({ waitUntil: 'commit' });
  emptyPage.push(await paintedMs(empty));
}
await closeOurs(page);
await browser.close();
await site.close();

const metrics: Metrics = {
  'guestGapMs.p50': median(gaps),
  'guestGapMs.max': Math.max(...gaps),
  'baselineGapMs.p50': median(baselines),
  'baselineGapMs.max': Math.max(...baselines),
  'attachMs.p50': median(attach),
  'emptyPageMs.p50': median(emptyPage),
};
const row = (name: string, samples: number[]) => [
  name,
  ...[0.5, 0.95, 1].map((share) => ms(quantile(samples, share))),
];
printTable(
  [`ms, ${count} reloads`, 'p50', 'p95', 'max'],
  [
    row('guest without progress, reload', gaps),
    row('  as long without a reload', baselines),
    row('terminal and screen painted', attach),
    row('  an empty page of the same size', emptyPage),
  ],
);
writeMetrics('reload', metrics, json);
