import { fileURLToPath } from 'node:url';
import { test as base } from '@playwright/test';
import { attachEvidence } from './evidence.ts';
import { GoldenGuest } from './golden.ts';
import type { Guest } from './guest.ts';
import type { GuestOptions } from './guest-options.ts';
import { Site } from './site.ts';

export interface GuestFixtures {
  /** The golden guest, as it was when all tests of this worker began. */
  guest: Guest;
}

export interface GuestWorkerOptions {
  /** What the guest is made of. As it is booted once a worker, other options mean another worker. */
  guestOptions: GuestOptions;
  /** Folder of a build of Holdfast: its keeper, runtimes, firmware and demo guest. */
  holdfastRoot: string;
}

export interface GuestWorkerFixtures {
  /** Serves {@link GuestWorkerOptions.holdfastRoot}, and files for the guest's drives. */
  guestSite: Site;
  /** Boots once a worker, in a browser of its own, and keeps what it was then. */
  golden: GoldenGuest;
}

// Set where the npm package is built: it has its files elsewhere than this repository.
const files = typeof __HOLDFAST_FILES__ === 'string' ? __HOLDFAST_FILES__ : '../../dist';
const ownBuild = fileURLToPath(new URL(files, import.meta.url));
/** For the slowest boot of a guest on the slowest machine. */
const bootTimeout = 180_000;

export const test = base.extend<GuestFixtures, GuestWorkerOptions & GuestWorkerFixtures>({
  guestOptions: [{}, { option: true, scope: 'worker' }],
  holdfastRoot: [ownBuild, { option: true, scope: 'worker' }],

  guestSite: [
    async ({ holdfastRoot }, use) => {
      const site = await Site.serve({ root: holdfastRoot });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],

  golden: [
    async ({ guestOptions, guestSite, playwright, browserName }, use) => {
      const surroundings = { site: guestSite, browserType: playwright[browserName] };
      const golden = await GoldenGuest.boot(guestOptions, surroundings);
      await use(golden);
      await golden.close();
    },
    { scope: 'worker', timeout: bootTimeout },
  ],

  guest: async ({ golden }, use, testInfo) => {
    const guest = await golden.fresh();
    await use(guest);
    await guest.closePorts();
    if (testInfo.status !== testInfo.expectedStatus) await attachEvidence(guest, testInfo);
  },
});
