/** Fixtures of a real Firefox, driven over WebDriver BiDi. */
import { test as base } from '@playwright/test';
import { type Browser, launch } from 'puppeteer-core';
import { findFirefox, noFirefox } from '../../tools/firefox.mjs';
import { type PolicyFixture, policyFixture } from '../support/watched-policy.ts';

export { expect } from '@playwright/test';

/** @param userDataDir a profile to keep; without it, one that is deleted with the browser */
function launchFirefox(userDataDir?: string): Promise<Browser> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error(noFirefox);
  return launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    ...(userDataDir && { userDataDir }),
  });
}

export const test = base.extend<{ needsFirefox: undefined } & PolicyFixture, { firefox: Browser }>({
  ...policyFixture,
  needsFirefox: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => {
      base.skip(!findFirefox(), noFirefox);
      await use(undefined);
    },
    { auto: true },
  ],
  firefox: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => {
      const firefox = await launchFirefox();
      await use(firefox);
      await firefox.close();
    },
    { scope: 'worker' },
  ],
});
