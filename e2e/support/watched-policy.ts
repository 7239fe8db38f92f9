/** Fails a test if a page or a worker needs more than the security policy allows. */
import { expect } from '@playwright/test';
import { type PolicyViolation, Site } from '../../src/packages/playwright/index.ts';

const served: Site[] = [];
const serve = Site.serve;

// Sites that fixtures of the package create are watched as well.
Site.serve = async (options) => {
  const site = await serve.call(Site, options);
  served.push(site);
  return site;
};

/** Returns what the policies of all sites of this process have blocked since the last call. */
function newViolations(): PolicyViolation[] {
  return served.flatMap(({ violations }) => violations.splice(0));
}

export interface PolicyFixture {
  policy: undefined;
}

/** For `test.extend`. */
export const policyFixture = {
  policy: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}: object, use: (value: undefined) => Promise<void>) => {
      await use(undefined);
      expect(newViolations(), 'what the security policy blocked').toEqual([]);
    },
    { auto: true },
  ] as [
    (fixtures: object, use: (value: undefined) => Promise<void>) => Promise<void>,
    { auto: true },
  ],
};
