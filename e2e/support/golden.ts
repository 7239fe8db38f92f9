/**
 * The published fixtures as they are: a guest that booted once for all tests of a worker. For what is
 * about the guest and its machine; `test.ts` has what is about the playground, or about booting.
 */
import { test as base } from '../../src/packages/playwright/index.ts';
import { type Runtimes, runtimesOf } from './runtimes.ts';
import { type PolicyFixture, policyFixture } from './watched-policy.ts';

export { expect, type Guest } from '../../src/packages/playwright/index.ts';

export const test = base.extend<{ runtimes: Runtimes } & PolicyFixture>({
  ...policyFixture,
  runtimes: async ({ guestSite }, use) => use(await runtimesOf(guestSite)),
});
