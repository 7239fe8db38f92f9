/**
 * Measures how much a keeper grows while its guest floods ten pages. Nine of them read nothing, or all of
 * them read. Pages that read are sent the most pictures.
 */
import type { Browser } from '@playwright/test';
import { HostilePc } from '../../support/hostile-pc.ts';
import { rendererGrowthMiB } from '../../support/renderer-memory.ts';
import { withSite } from './hostile-site.ts';

const morePages = 9;
const pictures = 20;

export function measureGuest(): Promise<{ guestFloodMiB: number }> {
  return withSite(async (browser, site) => {
    let guestFloodMiB = 0;
    for (const what of ['deaf', 'reading'] as const) {
      const pc = await HostilePc.boot(browser, site);
      for (let page = 0; page < morePages; page++)
        await (what === 'deaf' ? pc.attachDeaf() : pc.attach());
      const grownMiB = await rendererGrowthMiB(browser, flood(browser, pc), pc.keeper);
      console.log(`${morePages} pages ${what}: ${grownMiB.toFixed(1)} MiB more.`);
      guestFloodMiB = Math.max(guestFloodMiB, grownMiB);
      await pc.close();
    }
    return { guestFloodMiB };
  });
}

async function flood(browser: Browser, pc: HostilePc): Promise<void> {
  const attempts = {
    '9p': () => pc.attempt('p'),
    rings: () => pc.attempt('v'),
    network: () => pc.attempt('n'),
    console: () => pc.attempt('c'),
    screen: () => pc.floodScreen(pictures),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const grownMiB = await rendererGrowthMiB(browser, attempt(), pc.keeper);
    console.log(`${what}: ${grownMiB.toFixed(1)} MiB more.`);
  }
}
