/**
 * The published fixtures without changes: a guest that booted once for all tests of a worker. They
 * are for tests of the guest and its machine; `test.ts` is for tests of the playground, or of
 * booting.
 */
import { test as base } from '../../src/packages/playwright/index.ts';
import { type Runtimes, runtimesOf } from './runtimes.ts';
import { type PolicyFixture, policyFixture } from './watched-policy.ts';

export { expect, type Guest } from '../../src/packages/playwright/index.ts';

export const test = base.extend<{ runtimes: Runtimes } & PolicyFixture>({
  ...policyFixture,
  runtimes: async ({ guestSite }, use) => use(await runtimesOf(guestSite)),
});
