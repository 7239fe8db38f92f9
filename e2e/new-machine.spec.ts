/** Machines of the visitor's own: described in the dialog of the page, or dropped on it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { shownTerminal } from './playground-view.ts';
import { expect, type Guest, patternGuest, test } from './test.ts';

// What the page starts by itself is small.
test.use(patternGuest);

const dialog = (page: Page) => page.locator('#new-machine-dialog');
const field = (page: Page, label: string) => dialog(page).locator(`[data-label="${label}"]`);
const start = (page: Page) => dialog(page).getByRole('button', { name: 'Start' });

async function openDialog({ page }: Guest): Promise<Locator> {
  await page.locator('#machine-menu-open').click();
  await page.getByRole('menuitem', { name: 'New machine…' }).click();
  await expect(dialog(page)).toBeVisible();
  return dialog(page);
}

/** Picks a file for the drive with this label. */
async function pick(page: Page, label: string, path: string): Promise<void> {
  await field(page, label).getByRole('combobox').selectOption('file');
  await field(page, label).locator('input[type=file]').setInputFiles(path);
}

/** Presses Start, and waits until the page has gone over to the machine. */
async function startAndFollow(guest: Guest): Promise<string> {
  const { page } = guest;
  await start(page).click();
  await page.waitForURL(/\?machine=[0-9a-f-]+$/);
  await expect(dialog(page)).toBeHidden();
  return new URL(page.url()).searchParams.get('machine') ?? '';
}

const patternImage = (siteRoot: string) => join(siteRoot, 'guests/pattern/text.img');

test('a machine boots from a floppy image that was picked, beside the one that is there', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  await openDialog(guest);
  await field(page, 'Name').getByRole('textbox').fill('My floppy');
  await field(page, 'Memory').getByRole('textbox').fill('32');
  await pick(page, 'Floppy', patternImage(siteRoot));
  // Who chooses a floppy wants it to be booted.
  await expect(page.getByLabel('Boots')).toHaveValue('drives');
  const id = await startAndFollow(guest);

  await expect.poll(() => guest.machine((machine) => machine.status?.config.id)).toBe(id);
  const { config } = await guest.status();
  expect(config).toMatchObject({ name: 'My floppy', memoryMiB: 32, durable: true });
  await expect.poll(() => shownTerminal(guest)).toMatch(/pass \d+/);

  // A reload finds it, and the list has both.
  await guest.reloadPage();
  expect((await guest.status()).config.id).toBe(id);
  await guest.machine((machine) => machine.checkpoint());
  await page.getByRole('button', { name: 'Machines' }).click();
  await expect(page.locator('#machines-rows .machine-row')).toHaveCount(2);
  await expect(page.locator('#machines-rows a', { hasText: 'Show' })).toHaveCount(1);
});

test('what is not acceptable is told at its field, before anything is fetched', async ({
  guest,
  site,
}) => {
  const { page } = guest;
  await openDialog(guest);
  const before = [...site.requests];
  await field(page, 'Memory').getByRole('textbox').fill('8');
  await page.getByLabel('Boots').selectOption('drives');
  await start(page).click();
  await expect(field(page, 'Memory')).toContainText(
    'Memory may be a whole number of MiB from 16 to 2047; it is 8.',
  );
  await expect(field(page, 'Memory').getByRole('textbox')).toBeFocused();

  // One by one; what was put right is not told any more.
  await field(page, 'Memory').getByRole('textbox').fill('64');
  await start(page).click();
  await expect(dialog(page).locator('.field-error')).toHaveText([
    /^Boots may be a CD, a hard disk/,
  ]);
  await field(page, 'CD').getByRole('combobox').selectOption('file');
  await field(page, 'Hard disk').getByRole('combobox').selectOption('empty');
  await field(page, 'Hard disk').getByRole('textbox').fill('1000');
  await field(page, 'Floppy').getByRole('combobox').selectOption('url');
  await field(page, 'Floppy').getByRole('textbox').fill('ftp://host/disk.img');
  await page.getByText('Advanced').click();
  await field(page, 'Serial ports').getByRole('textbox').fill('5');
  await page.getByText('Advanced').click();
  await page.getByLabel('Network', { exact: true }).selectOption('wisp');
  await start(page).click();
  await expect(field(page, 'CD')).toContainText('a file that is not empty; it is not chosen yet');
  await expect(field(page, 'Hard disk')).toContainText('in multiples of 512 bytes');
  await expect(field(page, 'Floppy')).toContainText('the address of a file');
  await expect(field(page, 'Network')).toContainText(
    'Network may be an address with wisp://, wisps://, ws:// or wss://; it is empty.',
  );
  // What is folded away is opened.
  await expect(field(page, 'Serial ports').locator('.field-error')).toBeVisible();
  expect(site.requests).toEqual(before);

  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await openDialog(guest);
  await expect(dialog(page).locator('.field-error')).toHaveCount(0);
});

test('a file that cannot be had leaves the dialog and the guest as they were', async ({
  guest,
}) => {
  const { page } = guest;
  await openDialog(guest);
  await field(page, 'CD').getByRole('combobox').selectOption('url');
  await field(page, 'CD').getByRole('textbox').fill('nothing/here.iso');
  await field(page, 'CD').getByRole('textbox').press('Enter');
  await expect(page.locator('#new-machine-error')).toContainText('here.iso');
  await expect(start(page)).toBeEnabled();
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect((await guest.status()).config.id).toBe('default');
  await expect(page.locator('#notices')).toBeEmpty();
});

test('the demo Linux starts with a disk and the files of a folder', async ({ guest }, testInfo) => {
  test.slow();
  const { page } = guest;
  const folder = testInfo.outputPath('lecture');
  await mkdir(join(folder, 'code'), { recursive: true });
  await writeFile(join(folder, 'notes.txt'), 'of a folder\n');
  await writeFile(join(folder, 'code/run.sh'), 'echo it runs\n');
  await openDialog(guest);
  await page.getByLabel('Shared folder').setInputFiles(folder);
  await field(page, 'Hard disk').getByRole('combobox').selectOption('empty');
  await field(page, 'Hard disk').getByRole('textbox').fill('64M');
  await page.getByLabel('Boots').selectOption('demo');
  await startAndFollow(guest);
  await guest.waitForSerial(/holdfast:~# /);
  await guest.succeed('until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done');
  expect(await guest.succeed('cat /mnt/notes.txt; sh /mnt/code/run.sh')).toBe(
    'of a folder\nit runs\n',
  );
  expect(await guest.succeed('cat /sys/block/sda/size')).toBe('131072\n');
});

test('Back goes to the machine of before', async ({ guest, siteRoot }) => {
  const { page } = guest;
  await openDialog(guest);
  await pick(page, 'Floppy', patternImage(siteRoot));
  const id = await startAndFollow(guest);
  expect((await guest.status()).config.id).toBe(id);
  const loaded = page.waitForEvent('load');
  await page.goBack();
  await loaded;
  await guest.attached();
  expect((await guest.status()).config.id).toBe('default');
  await expect(page.locator('#state-found')).toContainText('attached');
});
