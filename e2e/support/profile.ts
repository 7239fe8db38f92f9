/** Browsers that tests kill and start again, with the same options as all others here. */
import { chromium } from '@playwright/test';
import { BrowserProfile } from '../../src/packages/playwright/index.ts';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';

export type Profile = BrowserProfile;
export const Profile = {
  /** @param parent the folder to create it in */
  make: (parent?: string): Promise<BrowserProfile> =>
    BrowserProfile.make(chromium, chromiumLaunchOptions(), parent),
};
