/** The list of the machines in storage. */
import type { Page } from '@playwright/test';
import { expect, Guest, test } from './test.ts';

const checkpoint = (guest: Guest) => guest.machine((machine) => machine.checkpoint());
const dialog = (page: Page) => page.locator('#machines-dialog');
const rows = (page: Page) => page.locator('.machine-row');
const named = (page: Page, name: string) =>
  rows(page).filter({ has: page.getByText(name, { exact: true }) });

async function openList(guest: Guest): Promise<Page> {
  await checkpoint(guest);
  await guest.page.getByRole('button', { name: 'Machines' }).click();
  await expect(rows(guest.page)).not.toHaveCount(0);
  return guest.page;
}

async function rename(page: Page, from: string, to: string): Promise<void> {
  await page.getByRole('button', { name: `Rename… ${from}` }).click();
  const input = page.getByLabel('Name of the machine');
  await expect(input).toBeFocused();
  await input.fill(to);
  await input.press('Enter');
}

test('it shows the machine of this page, what it takes, and renames it', async ({ guest }) => {
  const page = await openList(guest);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText('This page');
  await expect(rows(page)).toContainText(/[\d.]+ MiB · \d+ MiB RAM · running/);
  await expect(page.locator('#machines-usage')).toContainText(/uses [\d.]+ MiB of [\d.]+ GiB/);
  // A machine that runs is not deleted.
  await expect(page.getByRole('button', { name: /^Delete/ })).toHaveCount(0);

  const name = (await page.locator('.machine-name').textContent()) ?? '';
  await rename(page, name, 'Bench <1>');
  await expect(named(page, 'Bench <1>')).toHaveCount(1);
  // The guest's next checkpoints keep it.
  await checkpoint(guest);
  await guest.reloadPage();
  await openList(guest);
  await expect(named(page, 'Bench <1>')).toHaveCount(1);
});

test('Escape leaves the name as it was, and the list open', async ({ guest }) => {
  const page = await openList(guest);
  const name = (await page.locator('.machine-name').textContent()) ?? '';
  await page.getByRole('button', { name: `Rename… ${name}` }).click();
  await page.getByLabel('Name of the machine').fill('Never');
  await page.keyboard.press('Escape');
  await expect(named(page, name)).toHaveCount(1);
  await expect(dialog(page)).toBeVisible();
});

test('a copy goes on in a page of its own, and each machine then goes its own way', async ({
  guest,
  context,
}) => {
  test.slow();
  await guest.run('kept=before');
  const page = await openList(guest);
  await rename(page, (await page.locator('.machine-name').textContent()) ?? '', 'First');
  await page.getByRole('button', { name: 'Duplicate First' }).click();
  const copy = named(page, 'First (copy)');
  await expect(copy).toContainText('used');
  const address = await copy.getByRole('link', { name: 'Resume' }).getAttribute('href');
  expect(address).toContain('?machine=');

  const second = await Guest.in(await context.newPage());
  await second.open(address ?? '');
  expect((await second.run('echo $kept')).output).toBe('before\n');
  const { config } = await second.status();
  expect(address).toContain(config.id ?? 'an id');
  expect(config.name).toBe('First (copy)');
  await second.run('kept=copy');
  expect((await guest.run('echo $kept')).output).toBe('before\n');

  await page.keyboard.press('Escape');
  await openList(guest);
  await expect(copy).toContainText('running');
  await expect(copy.getByRole('link')).toHaveText('Show');
  await expect(page.getByRole('button', { name: 'Delete… First (copy)' })).toHaveCount(0);
});

test('a machine is deleted when its user says so', async ({ guest }) => {
  const page = await openList(guest);
  const name = (await page.locator('.machine-name').textContent()) ?? '';
  await page.getByRole('button', { name: `Duplicate ${name}` }).click();
  const copy = `${name} (copy)`;
  await page.getByRole('button', { name: `Delete… ${copy}` }).click();
  const question = page.locator('#confirm-dialog');
  await expect(question).toContainText(`Delete “${copy}”?`);
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(named(page, copy)).toHaveCount(1);

  await page.getByRole('button', { name: `Delete… ${copy}` }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(named(page, copy)).toHaveCount(0);
  await expect(rows(page)).toHaveCount(1);
  // What the copy shared with its original is still there.
  await guest.run('kept=here');
  await checkpoint(guest);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('a new machine has an id of its own', async ({ guest }) => {
  test.slow();
  const page = await openList(guest);
  await page.getByRole('button', { name: 'New machine' }).click();
  await page.waitForURL(/\?machine=[0-9a-f-]+$/);
  await guest.waitForSerial(/holdfast:~# /);
  await openList(guest);
  await expect(rows(page)).toHaveCount(2);
});
