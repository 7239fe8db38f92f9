/**
 * How long a guest runs after its last page is gone. A page of the same origin, which attaches to no
 * keeper, watches the keeper's Web Lock: the browser releases it when the worker ends.
 */
import type { Page } from '@playwright/test';
import { benchArguments } from './lib/arguments.ts';
import { launchBrowser, waitForOurAnswer } from './lib/browser.ts';
import { type Metrics, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';

/** Ways a visitor leaves. The browser keeps a window open in both. */
const endings = {
  tabClosed: (page: Page) => page.close(),
  otherSite: async (page: Page) => void (await page.goto('about:blank')),
};
/** A worker that lives longer than this is not one that the browser ends by itself. */
const giveUpMs = 500_000;

// --count: pages for each ending.
const { count, json } = benchArguments(2);
const site = await serveBenchSite();
site.add('watch.html', 'text/html', '<!doctype html><title>Watches locks</title>');
const browser = await launchBrowser();
printHost('lifetime', browser.version());

/** @returns seconds from the end of the last page to the end of its keeper */
async function measure(end: (page: Page) => Promise<void>): Promise<number> {
  const context = await browser.newContext();
  const watch = await context.newPage();
  await watch.goto(`${site.url}bench/watch.html`);
  const page = await context.newPage();
  await page.addInitScript({ content: site.ourScript });
  await page.goto(site.url);
  await waitForOurAnswer(page);
  // Held for the worker's life by a unique name: see serve-pages.ts.
  const names = await watch.evaluate(heldLocks);
  await end(page);
  const seconds = await watch.evaluate(untilReleased, { names, giveUpMs });
  await context.close();
  return seconds;
}

async function heldLocks(): Promise<string[]> {
  const { held = [] } = await navigator.locks.query();
  return held.flatMap(({ name }) => (name === undefined ? [] : [name]));
}

/** In the page. Asks for each of the locks in shared mode: granted once its holder is gone. */
async function untilReleased({ names, giveUpMs }: { names: string[]; giveUpMs: number }) {
  const since = performance.now();
  const signal = AbortSignal.timeout(giveUpMs);
  const releases = names.map((name) =>
    navigator.locks.request(name, { mode: 'shared', signal }, () => performance.now()),
  );
  return (Math.max(...(await Promise.all(releases))) - since) / 1000;
}

const metrics: Metrics = {};
const rows: string[][] = [];
try {
  // Side by side: waiting takes minutes and no processor.
  const measured = await Promise.all(
    Object.entries(endings).map(async ([name, end]) => ({
      name,
      seconds: await Promise.all(Array.from({ length: count }, () => measure(end))),
    })),
  );
  for (const { name, seconds } of measured) {
    metrics[`${name}.s`] = median(seconds);
    rows.push([name, ...seconds.map((value) => value.toFixed(1))]);
  }
  printTable(['the last page ends by', ...Array.from({ length: count }, () => 's')], rows);
  writeMetrics('lifetime', metrics, json);
} finally {
  await browser.close();
  await site.close();
}
