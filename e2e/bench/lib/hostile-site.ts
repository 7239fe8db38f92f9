/** The built site in a browser of its own, for measuring what strangers can make them take. */
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
