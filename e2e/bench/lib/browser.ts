import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import { chromiumLaunchOptions } from '../../../tools/browser.mjs';
import { promptText } from '../../support/linux-guest.ts';
import { settled } from './settled.ts';
import type { BenchSite } from './site.ts';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch(chromiumLaunchOptions());
}

interface OurOptions {
  guest?: 'linux' | 'pattern-graphics';
  memoryMiB?: number;
  runtime?: string;
  /** True if the guest is opened at its prompt, as for visitors; otherwise it boots. */
  boot?: 'cold' | 'prompt';
}

/** A page with errors that end the benchmark rather than its credibility. */
async function newPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(120_000);
  page.on('pageerror', (error) => console.error(`[page] ${error.message}`));
  await settled(browser);
  return page;
}

/** Opens the playground in a separate profile. Resolves as soon as its script runs. */
export async function openOurs(
  browser: Browser,
  site: BenchSite,
  { guest = 'linux', memoryMiB = 128, runtime, boot = 'cold' }: OurOptions = {},
): Promise<Page> {
  const page = await newPage(browser);
  await page.addInitScript({ content: site.ourScript });
  const query = new URLSearchParams({
    guest,
    m: String(memoryMiB),
    boot,
    ...(runtime && { runtime }),
  });
  await page.goto(`${site.url}?${query}`, { waitUntil: 'commit' });
  return page;
}

/** Opens stock v86 in a separate profile. It starts the guest as soon as its script runs. */
export async function openStock(
  browser: Browser,
  site: BenchSite,
  { guest = 'linux', memoryMiB = 128 }: OurOptions = {},
): Promise<Page> {
  const page = await newPage(browser);
  const query = new URLSearchParams({ guest, m: String(memoryMiB) });
  await page.goto(`${site.stockUrl}?${query}`);
  return page;
}

/**
 * Waits for the shell's prompt.
 * @returns when it appeared, in ms since the navigation began
 */
export function waitForOurPrompt(page: Page): Promise<number> {
  return page.evaluate(
    async (text) =>
      (await window.ours.page.console.waitFor(text, 120_000)) - performance.timeOrigin,
    promptText,
  );
}

export function waitForStockPrompt(page: Page): Promise<number> {
  return page.evaluate(
    async (text) =>
      (await window.stock.page.console.waitFor(text, 120_000)) - performance.timeOrigin,
    promptText,
  );
}

/**
 * Waits until the shell answers. @returns the time of the answer, in ms since the navigation began
 */
export async function waitForOurAnswer(page: Page): Promise<number> {
  await waitForOurPrompt(page);
  return page.evaluate(async () => {
    await window.ours.page.type("echo us''able\n");
    return (await window.ours.page.console.waitFor('usable', 120_000)) - performance.timeOrigin;
  });
}

export async function waitForStockAnswer(page: Page): Promise<number> {
  await waitForStockPrompt(page);
  return page.evaluate(async () => {
    await window.stock.page.type("echo us''able\n");
    return (await window.stock.page.console.waitFor('usable', 120_000)) - performance.timeOrigin;
  });
}

/** Also ends the guest, which would otherwise outlive the page and use processor time. */
export async function closeOurs(page: Page): Promise<void> {
  await page.evaluate(async () => (await window.ours.connected).destroy());
  await closeContext(page.context());
}

export async function closeStock(page: Page): Promise<void> {
  await closeContext(page.context());
}

async function closeContext(context: BrowserContext): Promise<void> {
  await context.close();
}
