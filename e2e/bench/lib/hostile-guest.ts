/**
 * What a guest that floods makes its keeper take, with pages that do not take what they are sent. The
 * budget is 9 MiB a page (8 of pictures, 1 of a console) and the scrollback, besides its own memory.
 */
import type { Page } from '@playwright/test';
import { rendererGrowthMiB } from '../../renderer-memory.ts';
import { attempt, ramMiB, vgaMiB, withHostilePc } from './hostile-pc.ts';

const deafPages = 9;
/** 9p, 16 MiB on the console, pictures of 16 MiB each. */
const attempts = ['p', 'c', 's'] as const;

/** Its thread waits in a dialog that nobody answers. Costs no time of the processor. */
async function deafen(page: Page): Promise<void> {
  const asked = page.waitForEvent('dialog');
  page.evaluate(() => window.confirm('Wait')).catch(() => {});
  await asked;
}

export function measureGuest(): Promise<{ guestFloodMiB: number }> {
  return withHostilePc(async ({ browser, page, attach }) => {
    for (let deaf = 0; deaf < deafPages; deaf++) await deafen(await attach());
    let grownMiB = 0;
    for (const letter of attempts) {
      const more = await rendererGrowthMiB(browser, attempt(page, letter));
      console.log(`"${letter}": ${more.toFixed(1)} MiB more.`);
      grownMiB += more;
    }
    return { guestFloodMiB: Math.max(0, grownMiB - ramMiB - vgaMiB) };
  });
}
