/** The list of the machines in storage. */
import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Guest, openGuest, test } from '../support/test.ts';

const checkpoint = (guest: Guest) => guest.machine((machine) => machine.checkpoint());
const dialog = (page: Page) => playground(page).machinesDialog;
const rows = (page: Page) => playground(page).storedMachines;
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
  await expect(playground(page).machinesDialog).toContainText(/uses [\d.]+ MiB of [\d.]+ GiB/);
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

test('a copy continues in a page of its own, and the two machines then differ', {
  tag: '@slow',
}, async ({ guest, context }) => {
  test.slow();
  await guest.run('kept=before');
  const page = await openList(guest);
  await rename(page, (await page.locator('.machine-name').textContent()) ?? '', 'First');
  await page.getByRole('button', { name: 'Duplicate First' }).click();
  const copy = named(page, 'First (copy)');
  await expect(copy).toContainText('used');
  const address = await copy.getByRole('link', { name: 'Resume' }).getAttribute('href');
  expect(address).toContain('?machine=');

  const second = await openGuest(context, address ?? '');
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

test('a machine is deleted when the user confirms', async ({ guest }) => {
  const page = await openList(guest);
  const name = (await page.locator('.machine-name').textContent()) ?? '';
  await page.getByRole('button', { name: `Duplicate ${name}` }).click();
  const copy = `${name} (copy)`;
  await page.getByRole('button', { name: `Delete… ${copy}` }).click();
  const question = playground(page).question;
  await expect(question).toContainText(`Delete “${copy}”?`);
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(named(page, copy)).toHaveCount(1);

  await page.getByRole('button', { name: `Delete… ${copy}` }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(named(page, copy)).toHaveCount(0);
  await expect(rows(page)).toHaveCount(1);
  // Records that the copy shared with its original are still present.
  await guest.run('kept=here');
  await checkpoint(guest);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('states that were saved under a name are listed, and deleted', async ({ guest }) => {
  await guest.machine(async (machine) => {
    await machine.cprSave({ kind: 'store', name: 'before lunch' }, { mode: 'restart' });
    await machine.cprCancel();
  });
  const page = await openList(guest);
  const states = playground(page).storedStates;
  await expect(states).toContainText(/before lunch.*\d+ KiB · saved \d+ s ago/s);
  await states.getByRole('button', { name: 'Delete… the state before lunch' }).click();
  await playground(page).question.getByRole('button', { name: 'Delete' }).click();
  await expect(states).toBeHidden();
  const left = await guest.machine((machine) => machine.storage.states());
  expect(left).toEqual([]);
});

test('a machine is exported without being resumed', { tag: '@slow' }, async ({
  guest,
  runtimes,
  site,
}) => {
  test.slow();
  const sizeBytes = 1 << 20;
  await guest.start(runtimes.newer, { hda: { emptyBytes: sizeBytes } });
  await guest.waitForSerial(prompt, { timeout: 60_000 });
  await guest.run('echo in-the-checkpoint | dd of=/dev/sda bs=512 seek=100 conv=sync; sync');
  // A file of the share that checkpoints store in parts.
  const large = () =>
    guest.machine(async (machine) => {
      const bytes = await machine.filesRead('large');
      const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
      return [bytes.length, ...new Uint8Array(digest)];
    });
  await guest.machine((machine) =>
    machine.filesWrite(
      'large',
      Uint8Array.from({ length: 700_000 }, (_, at) => at >> 8),
    ),
  );
  const before = await large();
  const page = await openList(guest);
  const name = (await page.locator('.machine-name').textContent()) ?? '';
  await page.getByRole('button', { name: `Duplicate ${name}` }).click();
  await expect(named(page, `${name} (copy)`)).toHaveCount(1);
  await guest.run('echo later | dd of=/dev/sda bs=512 seek=100 conv=sync; sync');

  const copy = named(page, `${name} (copy)`);
  const save = async (what: string) => {
    const downloaded = page.waitForEvent('download');
    await copy.getByRole('button', { name: what }).click();
    return readFile(await (await downloaded).path());
  };
  await copy.getByRole('button', { name: 'Export…' }).click();
  const disk = await save('Disk hda');
  expect(disk.length).toBe(sizeBytes);
  expect(disk.subarray(100 * 512, 101 * 512).toString()).toMatch(/^in-the-checkpoint\n\0+$/);
  const archive = await save('Everything');
  for (const file of ['machine.json', 'memory/pc.ram.bin', 'disks/hda.img', 'console/serial0.txt'])
    expect(archive.includes(file)).toBe(true);
  await expect(playground(page).machinesMessage).toContainText('was saved as a file');
  const state = await save('State file');
  await expect(copy).toContainText('used');
  // The export has deleted its temporary copy.
  await expect
    .poll(() => guest.machine(async ({ storage }) => (await storage.list()).length))
    .toBe(2);

  const url = await site.put('copy.holdfast', state);
  await guest.machine(
    (machine, [from, runtime]) => machine.openState(from, { runtime, replace: true }),
    [url, runtimes.newer] as const,
  );
  const read = 'dd if=/dev/sda bs=512 skip=100 count=1 2>/dev/null | head -n 1';
  expect((await guest.execute(read)).stdout).toBe('in-the-checkpoint\n');
  expect(await large()).toEqual(before);
});

test('a new machine has an id of its own', { tag: '@slow' }, async ({ guest }) => {
  test.slow();
  const page = await openList(guest);
  await page.getByRole('button', { name: 'New machine…' }).click();
  // The dialog comes when the list is closed.
  const dialog = page.getByRole('dialog', { name: 'New machine' });
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\?machine=[0-9a-f-]+$/);
  await guest.waitForSerial(prompt);
  await openList(guest);
  await expect(rows(page)).toHaveCount(2);
});
