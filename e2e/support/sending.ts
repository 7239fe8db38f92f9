/** Tests of a machine that goes to another device by a link. */
import type { Browser, Fixtures, Page, PlaywrightTestArgs } from '@playwright/test';
import { prompt } from './linux-guest.ts';
import { playground } from './playground-page.ts';
import { type ShareSite, withShareSite } from './share-site.ts';
import { expect, Guest } from './test.ts';

export interface SendingFixtures {
  shareSite: ShareSite;
  /** A shell that knows a secret. */
  sender: Guest;
}

export const sendingFixtures: Fixtures<SendingFixtures, object, PlaywrightTestArgs> = {
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  shareSite: async ({}, use) => withShareSite(use),
  sender: async ({ page, shareSite }, use) => {
    const guest = await Guest.in(page);
    await guest.open(shareSite.url);
    await guest.waitForSerial(prompt);
    await guest.run('kept=here');
    await use(guest);
  },
};

/** The sender's dialog. */
export const dialog = (page: Page) => playground(page).sendDialog;
export const press = (page: Page, name: string) =>
  dialog(page).getByRole('button', { name, exact: true }).click();

/** @returns the link that the dialog shows */
export async function makeLink(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Share…' }).click();
  await playground(page).shareDialog.locator('input[value="send"]').check();
  await playground(page).shareDialog.getByRole('button', { name: 'Make a link' }).click();
  const link = dialog(page).getByLabel('Link', { exact: true });
  await expect(link).toBeVisible();
  return link.inputValue();
}

interface Receiving {
  /** Takes the browser's WebRTC away. */
  overRelay?: boolean;
}

/** Opens the link in another browser profile. */
export async function openLink(
  browser: Browser,
  link: string,
  { overRelay = false }: Receiving = {},
): Promise<Guest> {
  const page = await (await browser.newContext()).newPage();
  const guest = await Guest.in(page);
  if (overRelay)
    await page.addInitScript(() => Reflect.deleteProperty(window, 'RTCPeerConnection'));
  await page.goto(link);
  return guest;
}

/** The receiver's yes. */
export const accept = (page: Page) =>
  playground(page).approval.getByRole('button', { name: 'Take it' }).click();
