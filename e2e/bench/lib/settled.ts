import type { Browser } from '@playwright/test';

/** Share of one core. */
const quietShare = 0.1;
const pollMs = 250;
/** Number of quiet measurements in a row. */
const quietLooks = 2;
const longestWaitMs = 20_000;

/**
 * Resolves when the browser is idle. A new window keeps a core busy for a second or two with the
 * browser's own interface: Chromium loads the pages of its address bar. A visitor who follows a
 * link in an open window does not wait for that.
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

  /** The sum leaves out processes that have ended: the browser then looks quieter once. */
  async function usage(): Promise<{ cpuS: number; atMs: number }> {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return {
      cpuS: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0),
      atMs: performance.now(),
    };
  }
}
