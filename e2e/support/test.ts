/** The published fixtures, and additional ones for these tests. */
import { resolve } from 'node:path';
import type { Browser, BrowserContext } from '@playwright/test';
import { attachEvidence, test as base, Guest, Site } from '../../src/packages/playwright/index.ts';
import type { PatternResult } from '../../src/runtime/testing/pattern.ts';
import { bundleModule } from './bundle.ts';
import { prompt } from './linux-guest.ts';
import { type Runtimes, runtimesOf } from './runtimes.ts';
import { type PolicyFixture, policyFixture } from './watched-policy.ts';

export { expect, Guest, Site } from '../../src/packages/playwright/index.ts';
export type { Runtimes } from './runtimes.ts';

interface Options {
  /** Path of the site on its server. */
  sitePath: string;
  /** Whether the site's pages are cross-origin isolated. */
  siteIsolated: boolean;
  /** Whether the site sends its security policy. */
  siteSecured: boolean;
  /** Options of the page, for example `?guest=pattern-text&m=32`. */
  guestQuery: string;
  /** Output of the serial console when the guest is ready. */
  guestReady: RegExp;
}

interface Fixtures extends PolicyFixture {
  /** The playground, for this test alone. */
  site: Site;
  /** URL of e2e/support/in-page.ts on the site. */
  inPage: string;
  runtimes: Runtimes;
}

export const test = base.extend<Options & Fixtures, { inPageBundle: string; siteRoot: string }>({
  siteRoot: ['dist', { option: true, scope: 'worker' }],
  sitePath: ['', { option: true }],
  siteIsolated: [false, { option: true }],
  siteSecured: [true, { option: true }],
  guestQuery: ['', { option: true }],
  guestReady: [prompt, { option: true }],

  site: async ({ siteRoot, sitePath, siteIsolated, siteSecured }, use) => {
    const site = await Site.serve({
      root: siteRoot,
      path: sitePath,
      isolated: siteIsolated,
      secured: siteSecured,
    });
    await use(site);
    await site.close();
  },

  /** Booted for this test, in the playground. */
  guest: async ({ page, site, guestQuery, guestReady }, use, testInfo) => {
    const guest = await Guest.in(page, { site });
    await guest.open(site.url + guestQuery);
    await guest.waitForSerial(guestReady);
    await use(guest);
    if (testInfo.status !== testInfo.expectedStatus) await attachEvidence(guest, testInfo);
  },

  ...policyFixture,

  inPageBundle: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => use(await bundleModule(resolve('e2e/support/in-page.ts'))),
    { scope: 'worker' },
  ],
  inPage: async ({ site, inPageBundle }, use) => use(await putInPage(site, inPageBundle)),
  runtimes: async ({ site }, use) => use(await runtimesOf(site)),
});

const putInPage = (site: Site, bundle: string) => site.put('e2e/in-page.js', bundle);

/** A page of this context that has opened `url`, once its guest is there. */
export async function openGuest(context: BrowserContext, url: string): Promise<Guest> {
  const guest = await Guest.in(await context.newPage());
  await guest.open(url);
  return guest;
}

/** One pattern guest for several tests, in a `beforeAll`. What a test does to it, it must survive. */
export interface StandingGuest {
  readonly guest: Guest;
  readonly site: Site;
  readonly inPage: string;
  readonly runtimes: Runtimes;
  close(): Promise<void>;
}

export async function openStandingGuest(fixtures: {
  browser: Browser;
  siteRoot: string;
  inPageBundle: string;
  /** In place of the build's keeper.js. */
  keeper?: string;
}): Promise<StandingGuest> {
  const site = await Site.serve({ root: fixtures.siteRoot });
  if (fixtures.keeper) await site.put('keeper.js', fixtures.keeper);
  const context = await fixtures.browser.newContext();
  const guest = await Guest.in(await context.newPage());
  await guest.open(site.url + patternGuest.guestQuery);
  await guest.waitForSerial(patternGuest.guestReady);
  return {
    guest,
    site,
    inPage: await putInPage(site, fixtures.inPageBundle),
    runtimes: await runtimesOf(site),
    close: async () => {
      await context.close();
      await site.close();
    },
  };
}

/** The guest whose memory can be checked to the last dword. It counts its passes on the console. */
export const patternGuest = {
  guestQuery: '?guest=pattern-text&m=32',
  guestReady: /pass \d+\r/,
} as const;

/** Checks a pattern guest while it is paused. */
export function inspectPattern(guest: Guest, inPage: string): Promise<PatternResult> {
  return guest.machine(async (machine, url) => (await import(url)).inspectPattern(machine), inPage);
}

/** Resolves when a pattern guest has finished `passes` more passes. */
export async function waitForPasses(guest: Guest, passes = 2): Promise<void> {
  const from = await guest.serial.end();
  await guest.waitForSerial(new RegExp(`(?:pass \\d+\\r\\n[\\s\\S]*?){${passes}}`), { from });
}
