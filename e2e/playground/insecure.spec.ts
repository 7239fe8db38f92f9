/**
 * An origin that is not secure: it has no Web Locks, Storage Buckets or Cache Storage, and so only
 * one place.
 */
import { chromium } from '@playwright/test';
import { BrowserProfile } from '../../src/packages/playwright/index.ts';
import { chromiumLaunchOptions } from '../../tools/browser.mjs';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, Guest, test } from '../support/test.ts';

const host = 'holdfast.test';

test('[S1] [S2] on an origin that is not secure a guest is saved and resumed, and its loss is reported', {
  tag: '@slow',
}, async ({ site }) => {
  test.slow();
  const { args = [], ...options } = chromiumLaunchOptions();
  const toLoopback = `--host-resolver-rules=MAP ${host} 127.0.0.1`;
  const profile = await BrowserProfile.make(chromium, { ...options, args: [...args, toLoopback] });
  const url = new URL(site.url);
  url.hostname = host;
  try {
    const before = await Guest.in(await (await profile.start()).newPage());
    await before.page.goto(url.href);
    expect(await before.page.evaluate(() => isSecureContext)).toBe(false);
    await before.waitForSerial(prompt, { timeout: 90_000 });
    await before.run('kept=here');
    await before.machine((machine) => machine.checkpoint());
    await profile.kill();

    const after = await Guest.in(await (await profile.start()).newPage());
    await after.page.goto(url.href);
    await expect(playground(after.page).state('found')).toContainText('resumed from a checkpoint');
    expect((await after.run('echo $kept')).output).toBe('here\n');
    // By its user's way of closing it: pages remember what is stored some seconds late.
    await expect(playground(after.page).state('saved')).toHaveText(/ago$/);
    await profile.stop();

    const page = await (await profile.start()).newPage();
    const again = await Guest.in(page);
    await page.goto(new URL('build.json', url).href);
    await page.evaluate(
      () =>
        new Promise<void>((done, fail) => {
          const request = indexedDB.deleteDatabase('holdfast');
          request.onsuccess = () => done();
          request.onerror = () => fail(request.error);
        }),
    );
    await page.goto(url.href);
    await again.waitForSerial(prompt, { timeout: 90_000 });
    const notices = playground(page).notices;
    await expect(notices).toContainText('The stored data of a machine is gone');
    await expect(notices).toContainText(/“Linux” until .*\d/);
  } finally {
    await profile.delete();
  }
});
