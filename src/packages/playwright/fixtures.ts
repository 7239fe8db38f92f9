import { fileURLToPath } from 'node:url';
import { test as base, type TestInfo } from '@playwright/test';
import { attachEvidence } from './evidence.ts';
import { GoldenGuest } from './golden.ts';
import { GoldenStates } from './golden-states.ts';
import type { Guest } from './guest.ts';
import { defaultBootTimeout, type GuestOptions } from './guest-options.ts';
import { Site } from './site.ts';
import { pointingAtTest } from './test-place.ts';
import { besideTestTime, testBegan } from './test-time.ts';

export interface GuestFixtures {
  /** The golden guest, in the state before the first test of this worker. */
  guest: Guest;
}

export interface GuestWorkerOptions {
  /** Options of the guest. It is booted once per worker, so other options need another worker. */
  guestOptions: GuestOptions;
  /** Folder of a build of Holdfast: its keeper, runtimes, firmware and demo guest. */
  holdfastRoot: string;
}

export interface GuestWorkerFixtures {
  /** Serves {@link GuestWorkerOptions.holdfastRoot}, and files for the guest's drives. */
  guestSite: Site;
  /** Boots once per worker, for its first test, in a browser of its own. Keeps that state. */
  golden: GoldenGuest;
  /** The golden guest as a file, for the worker that replaces this one. */
  goldenStates: GoldenStates | undefined;
}

export interface GuestAutoFixtures {
  /** Waits end before the test's own time does. */
  guestTestTime: undefined;
}

// Set in the npm package, whose files are in other places than this repository's.
const files = typeof __HOLDFAST_FILES__ === 'string' ? __HOLDFAST_FILES__ : '../../../dist';
const ownBuild = fileURLToPath(new URL(files, import.meta.url));
/** Time in addition to `bootTimeout`, ms: a browser's start, `prepare`, and evidence of a failure. */
const besideBootMs = 120_000;

export const test = base.extend<
  GuestFixtures & GuestAutoFixtures,
  GuestWorkerOptions & GuestWorkerFixtures
>({
  guestOptions: [{}, { option: true, scope: 'worker' }],
  holdfastRoot: [ownBuild, { option: true, scope: 'worker' }],

  goldenStates: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use, { parallelIndex }) => {
      const states = await GoldenStates.of(parallelIndex);
      await use(states);
      await states?.close();
    },
    { scope: 'worker' },
  ],

  guestSite: [
    async ({ holdfastRoot, goldenStates }, use) => {
      const port = await goldenStates?.port();
      const site = await Site.serve({ root: holdfastRoot, ...(port !== undefined && { port }) });
      await goldenStates?.keepPort(site.port);
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],

  golden: [
    async ({ guestOptions, guestSite, playwright, browserName }, use) => {
      const surroundings = { site: guestSite, browserType: playwright[browserName] };
      const golden = new GoldenGuest(guestOptions, surroundings);
      await use(golden);
      await golden.close();
    },
    { scope: 'worker' },
  ],

  guestTestTime: [
    async ({ goldenStates }, use, testInfo) => {
      testBegan(testInfo);
      await use(undefined);
      if (goldenStates) goldenStates.workerFollows = testInfo.status !== testInfo.expectedStatus;
    },
    { auto: true, box: true },
  ],

  guest: async ({ golden, goldenStates, guestOptions, holdfastRoot }, use, testInfo) => {
    const { bootTimeout = defaultBootTimeout } = guestOptions;
    const place = placeOf(guestOptions, testInfo);
    const statePath = goldenStates?.pathOf({ guestOptions, holdfastRoot, place });
    const options = {
      ...(statePath !== undefined && { statePath }),
      failed: (failed: Guest) => attachEvidence(failed, testInfo),
    };
    const guest = await besideTestTime(testInfo, bootTimeout + besideBootMs, async () => {
      try {
        return await golden.fresh(options);
      } catch (error) {
        throw pointingAtTest(error, testInfo);
      }
    });
    await use(guest);
    await guest.closePorts();
    if (testInfo.status !== testInfo.expectedStatus) await attachEvidence(guest, testInfo);
  },
});

/** Key that tells options with functions apart. Equal source in two places can mean different things. */
function placeOf({ ready, prepare }: GuestOptions, testInfo: TestInfo): unknown {
  const { project, file } = testInfo;
  const hasFunctions = [ready, prepare].some((option) => typeof option === 'function');
  return [project.name, ...(hasFunctions ? [file] : [])];
}
