/** Shared machines: as links through the state server, as links that contain them, as files. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from '@playwright/test';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { rendererGrowthMiB } from '../support/renderer-memory.ts';
import { type ShareSite, withShareSite } from '../support/share-site.ts';
import { test as base, expect, Guest, openGuest } from '../support/test.ts';

const test = base.extend<{ shareSite: ShareSite }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  shareSite: async ({}, use) => withShareSite(use),
});
test.describe.configure({ timeout: 120_000 });

const openIn = async (browser: Browser, url: string) => openGuest(await browser.newContext(), url);

const dialog = (page: Page) => playground(page).shareDialog;

/** Shares with the dialog. @returns the link */
async function shareAs(page: Page, how: 'upload' | 'link', title?: string): Promise<string> {
  await page.getByRole('button', { name: 'Share…' }).click();
  if (title) await dialog(page).getByLabel('Title').fill(title);
  await dialog(page).locator(`input[value="${how}"]`).check();
  await dialog(page).getByRole('button', { name: 'Share', exact: true }).click();
  const link = dialog(page).getByLabel('Link', { exact: true });
  await expect(link).toBeVisible({ timeout: 60_000 });
  return link.inputValue();
}

const startLoop = (guest: Guest) =>
  guest.run(
    'kept=here; (i=0; while :; do i=$((i+1)); echo $i >/tmp/i; usleep 50000; done) >/dev/null 2>&1 &',
  );
const loopCount = async (guest: Guest) => Number((await guest.execute('cat /tmp/i')).stdout);

test('a machine shared as a link resumes in another browser as a clone, until the link is deleted', {
  tag: '@slow',
}, async ({ page, browser, shareSite }) => {
  const guest = await Guest.in(page);
  await guest.open(shareSite.url);
  await guest.waitForSerial(prompt);
  await startLoop(guest);
  await page.getByRole('button', { name: 'Share…' }).click();
  await expect(dialog(page)).toContainText('passwords and keys');
  await expect(dialog(page)).toContainText(
    'its random numbers: copies of a guest without an agent',
  );
  await page.keyboard.press('Escape');
  // The first upload breaks off, and a proxy replaces its server, which restarts. The upload
  // continues at its position, and is published.
  const asked = { POST: 0, PATCH: 0, HEAD: 0, publish: 0 };
  await page.route(/\/states\/uploads/, async (route) => {
    const request = route.request();
    const what = request.url().endsWith('/publish') ? 'publish' : request.method();
    const isFirst = what in asked && asked[what as keyof typeof asked]++ === 0;
    if (isFirst && what === 'PATCH') await route.abort();
    else if (isFirst && what !== 'POST') await route.fulfill({ status: 502, body: 'Bad Gateway' });
    else await route.continue();
  });
  const link = await shareAs(page, 'upload', '<img src=x onerror="document.title=1"> & co');
  expect(asked).toMatchObject({ POST: 1, HEAD: 2, publish: 2 });
  expect(asked.PATCH).toBeGreaterThan(1);
  expect(await readdir(join(shareSite.folder, 'uploads'))).toEqual([
    expect.stringMatching(/\.result$/),
  ]);
  expect(link).toMatch(/\?state=states\/[0-9a-f]{64}$/);
  await expect(dialog(page)).toContainText(
    /[\d.]+ MiB in use by the machine, [\d.]+ MiB as a state/,
  );

  const other = await openIn(browser, link);
  expect((await other.run('echo $kept')).output).toBe('here\n');
  const counted = await loopCount(other);
  await expect.poll(() => loopCount(other)).toBeGreaterThan(counted);
  const [mine, theirs] = [(await guest.status()).config, (await other.status()).config];
  expect(theirs.id).not.toBe(mine.id);
  // Its address now names the clone, which a reload finds.
  expect(other.page.url()).toBe(`${shareSite.url}?machine=${theirs.id}`);
  await other.reloadPage();
  expect((await other.run('echo $kept')).output).toBe('here\n');
  // The interface follows the device.
  const mac = async (of: Guest) => (await of.execute('cat /sys/class/net/eth0/address')).stdout;
  await expect.poll(() => mac(other)).toBe(`${theirs.mac}\n`);
  expect(await mac(guest)).not.toBe(`${theirs.mac}\n`);
  // The title is text wherever it is shown.
  expect(theirs.name).toContain('<img');
  expect(await other.page.locator('img[src="x"]').count()).toBe(0);

  await dialog(page).getByRole('button', { name: 'Delete from the server' }).click();
  await expect(dialog(page)).toContainText('was deleted');
  const late = await (await browser.newContext()).newPage();
  await late.goto(link);
  await expect(playground(late).notices).toContainText('has expired or was deleted');
});

test('a small change travels in the link itself', async ({ page, browser, shareSite }) => {
  const guest = await Guest.in(page);
  await guest.open(shareSite.url);
  await guest.waitForSerial(prompt);
  const base = await shareAs(page, 'upload');

  const second = await openIn(browser, base);
  await second.run('echo small >/root/change');
  const link = await shareAs(second.page, 'link');
  expect(link).toMatch(/#s=[A-Za-z0-9_-]+$/);
  expect(link.length).toBeLessThan(400_000);

  const third = await openIn(browser, link);
  expect((await third.run('cat /root/change')).output).toBe('small\n');
  expect(third.page.url()).not.toContain('#s=');
});

test('a static host shares as a file, and your own file resumes as a clone or as itself', async ({
  guest,
  page,
  site,
}) => {
  await guest.run('kept=before');
  await page.getByRole('button', { name: 'Share…' }).click();
  await expect(dialog(page)).toContainText('This site has no state server');
  await dialog(page).locator('input[value="file"]').check();
  const saved = page.waitForEvent('download');
  await dialog(page).getByRole('button', { name: 'Share', exact: true }).click();
  const file = await (await saved).path();
  await dialog(page).getByRole('button', { name: 'Close' }).click();
  await guest.run('kept=after');
  await guest.machine((machine) => machine.checkpoint());

  const openFile = async () => {
    const chooser = page.waitForEvent('filechooser');
    await playground(page).choose('Open state file…');
    await (await chooser).setFiles(file);
    const picture = page.getByAltText('The screen of the machine when the state was made');
    await expect(picture).toHaveJSProperty('complete', true);
    await expect(picture).not.toHaveJSProperty('naturalWidth', 0);
    await playground(page).approval.getByRole('button', { name: 'Open' }).click();
    await expect(playground(page).approval).toContainText('a machine of yours');
  };
  const choose = (name: string) =>
    playground(page).approval.getByRole('button', { name, exact: true }).click();

  await openFile();
  await choose('Open as a clone');
  await guest.attached();
  expect((await guest.run('echo $kept')).output).toBe('before\n');
  const clone = (await guest.status()).config;
  expect(clone.id).not.toBe('default');
  // A lineage proves nothing about the contents, so the storage limit for strangers' machines applies.
  expect(clone.foreign).toBe(true);

  await page.goto(site.url);
  await guest.attached();
  expect((await guest.run('echo $kept')).output).toBe('after\n');
  await openFile();
  await choose('Resume my machine');
  await expect(playground(page).approval).toContainText('is discarded');
  await choose('Discard and open');
  await page.waitForURL(site.url);
  expect((await guest.run('echo $kept')).output).toBe('before\n');
  const own = (await guest.status()).config;
  expect([own.id, own.foreign]).toEqual(['default', false]);
});

test('the memory of the page stays flat while a machine of 256 MiB is shared', {
  tag: '@slow',
}, async ({ page, browser, shareSite }) => {
  test.skip(process.platform !== 'linux', 'Only Linux tells what a process has.');
  test.slow();
  const guest = await Guest.in(page);
  await guest.open(`${shareSite.url}?m=256&durable=off`);
  await guest.waitForSerial(prompt);
  // The memory that every share takes, the tables of the compressor above all.
  const emptyMiB = await rendererGrowthMiB(browser, shareAs(page, 'upload'));
  await dialog(page).getByRole('button', { name: 'Close' }).click();
  // The capacity of a tmpfs of this guest.
  const dataMiB = 112;
  await guest.run(`dd if=/dev/urandom of=/tmp/random bs=1M count=${dataMiB}`, {
    timeout: 90_000,
  });
  const grewMiB = await rendererGrowthMiB(browser, shareAs(page, 'upload'));
  const [, sizeMiB = 0] = /([\d.]+) MiB as a state/.exec(await dialog(page).innerText()) ?? [];
  expect(Number(sizeMiB)).toBeGreaterThan(dataMiB);
  // Groups in transit between workers remain until the garbage collector's next round: 71 to 84 MiB
  // on two cores. Holding the whole state would need all of it on top of that.
  expect(grewMiB - emptyMiB).toBeLessThan(dataMiB * 1.25);
});
