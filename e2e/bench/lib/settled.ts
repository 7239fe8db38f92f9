import type { Browser } from '@playwright/test';
import { BrowserSession } from './browser-session.ts';

/** Asks a browser how much processor time each of its processes has had so far, s. */
type ProcessTimes = () => Promise<{ processInfo: { cpuTime: number }[] }>;

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
export async function settled(browser: Browser | BrowserSession): Promise<void> {
  if (browser instanceof BrowserSession)
    return becomesQuiet(() => browser.send('SystemInfo.getProcessInfo'));
  const session = await browser.newBrowserCDPSession();
  try {
    await becomesQuiet(() => session.send('SystemInfo.getProcessInfo'));
  } finally {
    await session.detach();
  }
}

async function becomesQuiet(processTimes: ProcessTimes): Promise<void> {
  const deadlineMs = performance.now() + longestWaitMs;
  let before = await usage(processTimes);
  for (let quiet = 0; quiet < quietLooks; ) {
    if (performance.now() > deadlineMs)
      throw new Error(`The browser was busy for ${longestWaitMs} ms without a page.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    const now = await usage(processTimes);
    const share = (now.cpuS - before.cpuS) / ((now.atMs - before.atMs) / 1000);
    quiet = share < quietShare ? quiet + 1 : 0;
    before = now;
  }
}

/** The sum leaves out processes that have ended: the browser then looks quieter once. */
async function usage(processTimes: ProcessTimes): Promise<{ cpuS: number; atMs: number }> {
  const { processInfo } = await processTimes();
  return {
    cpuS: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0),
    atMs: performance.now(),
  };
}
