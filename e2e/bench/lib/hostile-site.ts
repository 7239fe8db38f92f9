/** The built site in a separate browser, for measuring the cost of strangers' files. */
import type { Browser } from '@playwright/test';
import { Site } from '../../../src/packages/playwright/site.ts';
import { launchBrowser } from './browser.ts';

export async function withSite<T>(
  measure: (browser: Browser, site: Site) => Promise<T>,
): Promise<T> {
  const site = await Site.serve({ root: 'dist' });
  const browser = await launchBrowser();
  try {
    return await measure(browser, site);
  } finally {
    await browser.close();
    await site.close();
  }
}
