import type { Browser } from '@playwright/test';

/** Of one core. */
const quietShare = 0.1;
const pollMs = 250;
/** So many quiet looks in a row. */
const quietLooks = 2;
const longestWaitMs = 20_000;

/**
 * Resolves when the browser has nothing to do any more. A new window keeps a core busy for a second
 * or two with the browser's own interface (Chromium loads the pages of its address bar), which a visitor
 * who follows a link in a window that is there does not wait for.
 */
export async function settled(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  const deadlineMs = performance.now() + longestWaitMs;
  try {
    let before = await usage();
    for (let quiet = 0; quiet < quietLooks; ) {
      if (performance.now() > deadlineMs)
        throw new Error(`The browser was busy for ${longestWaitMs} ms without a page.`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      const now = await usage();
      const share = (now.cpuS - before.cpuS) / ((now.atMs - before.atMs) / 1000);
      quiet = share < quietShare ? quiet + 1 : 0;
      before = now;
    }
  } finally {
    await session.detach();
  }

  /** Of processes that are gone nothing is counted: then it looks quieter for one look. */
  async function usage(): Promise<{ cpuS: number; atMs: number }> {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return {
      cpuS: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0),
      atMs: performance.now(),
    };
  }
}
