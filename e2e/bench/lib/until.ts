/** Waiting in a benchmark: as long as a busy computer takes, and then with what the page shows. */
import type { Page } from '@playwright/test';

const longestMs = 180_000;
const pollMs = 50;

/** @throws when it is not so for three minutes: the page's text says why */
export async function until<T>(
  page: Page,
  what: string,
  read: () => Promise<T>,
  wanted: T,
): Promise<void> {
  const begun = performance.now();
  while ((await read()) !== wanted) {
    if (performance.now() - begun > longestMs) {
      const text = (await page.locator('body').innerText()).replaceAll(/\s+/g, ' ').slice(0, 500);
      throw new Error(`It is not so that ${what}. The page shows: ${text}`);
    }
    await new Promise((next) => setTimeout(next, pollMs));
  }
}
