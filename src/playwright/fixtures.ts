import { test as base } from '@playwright/test';
import { Guest } from './guest.ts';
import { Site } from './site.ts';

export interface SiteOptions {
  /** Folder of the build that is served. */
  siteRoot: string;
}

export interface GuestOptions {
  /** Path under which the site stands on its server. */
  sitePath: string;
  /** Whether the site's pages are cross-origin isolated. */
  siteIsolated: boolean;
  /** Options of the page, for example `?guest=pattern-text&m=32`. */
  guestQuery: string;
  /** What the serial console says when the guest is up. */
  guestReady: RegExp;
}

export interface GuestFixtures {
  site: Site;
  /** A guest that is up, in a browser profile of its own. */
  guest: Guest;
}

export const test = base.extend<GuestOptions & GuestFixtures, SiteOptions>({
  siteRoot: ['dist', { option: true, scope: 'worker' }],
  sitePath: ['', { option: true }],
  siteIsolated: [false, { option: true }],
  guestQuery: ['', { option: true }],
  guestReady: [/holdfast:~# /, { option: true }],

  site: async ({ siteRoot, sitePath, siteIsolated }, use) => {
    const site = await Site.serve({ root: siteRoot, path: sitePath, isolated: siteIsolated });
    await use(site);
    await site.close();
  },

  guest: async ({ page, site, guestQuery, guestReady }, use, testInfo) => {
    const guest = await Guest.in(page);
    await guest.open(site.url + guestQuery);
    await guest.waitForSerial(guestReady);
    await use(guest);
    if (testInfo.status !== testInfo.expectedStatus && !page.isClosed()) {
      await testInfo.attach('consoles', { body: await guest.describe() });
    }
  },
});

export { expect } from '@playwright/test';
