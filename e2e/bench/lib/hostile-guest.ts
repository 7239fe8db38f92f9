/** Measures how much a keeper grows while its guest floods ten pages, nine of which read nothing. */
import { HostilePc } from '../../hostile-pc.ts';
import { rendererGrowthMiB } from '../../renderer-memory.ts';
import { withSite } from './hostile-site.ts';

const deafPages = 9;
const pictures = 20;

export function measureGuest(): Promise<{ guestFloodMiB: number }> {
  return withSite(async (browser, site) => {
    const pc = await HostilePc.boot(browser, site);
    for (let deaf = 0; deaf < deafPages; deaf++) await pc.attachDeaf();
    const attempts = {
      '9p': () => pc.attempt('p'),
      rings: () => pc.attempt('v'),
      network: () => pc.attempt('n'),
      console: () => pc.attempt('c'),
      screen: () => pc.floodScreen(pictures),
    };
    const flood = async () => {
      for (const [what, attempt] of Object.entries(attempts)) {
        const grownMiB = await rendererGrowthMiB(browser, attempt(), pc.keeper);
        console.log(`${what}: ${grownMiB.toFixed(1)} MiB more.`);
      }
    };
    return { guestFloodMiB: await rendererGrowthMiB(browser, flood(), pc.keeper) };
  });
}
