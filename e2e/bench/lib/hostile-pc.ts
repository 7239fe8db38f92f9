/** The hostile guest of tools/guests/hostile in the playground, for measuring what it can make others take. */
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from '@playwright/test';
import type { HoldfastWindow } from '../../../src/playwright/page-machine.ts';
import { Site } from '../../../src/playwright/site.ts';
import { launchBrowser } from './browser.ts';
import { until } from './until.ts';

export const ramMiB = 16;
export const vgaMiB = 16;

export interface HostilePc {
  browser: Browser;
  site: Site;
  page: Page;
  /** Opens the address of the guest in one more page. */
  attach(): Promise<Page>;
}

/** Runs `measure` beside a hostile guest that waits for its first letter. */
export async function withHostilePc<T>(measure: (pc: HostilePc) => Promise<T>): Promise<T> {
  const site = await Site.serve({ root: 'dist' });
  const browser = await launchBrowser();
  try {
    await site.put('hostile.bin', await readFile('e2e/guests/hostile.bin'));
    const context = await browser.newContext();
    const attach = async () => {
      const page = await context.newPage();
      const options = `multiboot.url=hostile.bin&hda.empty=1G&m=${ramMiB}&vram=${vgaMiB}`;
      await page.goto(`${site.url}?${options}&durable=off`);
      await until(page, 'the guest runs', () => stateOf(page), 'running');
      return page;
    };
    const page = await attach();
    await until(page, 'the guest says that it is there', () => said(page, 'hostile'), true);
    return await measure({ browser, site, page, attach });
  } finally {
    await browser.close();
    await site.close();
  }
}

/** Has the guest make one of its attempts, to the end. */
export async function attempt(page: Page, letter: string): Promise<void> {
  await page.evaluate((text) => {
    const { holdfast } = window as HoldfastWindow & Window;
    return holdfast?.machine?.console('serial0').write(text);
  }, letter);
  await until(page, `the guest ends "${letter}"`, () => said(page, `${letter} done`), true);
}

const stateOf = (page: Page) =>
  page.evaluate(() => (window as HoldfastWindow & Window).holdfast?.machine?.status?.runstate);

const said = (page: Page, text: string) =>
  page.evaluate((wanted) => {
    const { holdfast } = window as { holdfast?: { terminalText(): string } };
    return holdfast?.terminalText().includes(wanted);
  }, text);
