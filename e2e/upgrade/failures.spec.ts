/** Upgrades of the keeper that fail: the guest continues where it was, and the page says why. */
import { resolve } from 'node:path';
import { bundleModule } from '../support/bundle.ts';
import { otherSite, putOtherKeeper, removeSite } from '../support/other-keeper.ts';
import { playground } from '../support/playground-page.ts';
import { test as base, expect, type Guest } from '../support/test.ts';

const test = base.extend<object, { newerSite: string }>({
  newerSite: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => {
      const folder = await otherSite('dist', 1);
      await use(folder);
      await removeSite(folder);
    },
    { scope: 'worker' },
  ],
});

const keeperId = (guest: Guest) => guest.machine(({ keeper }) => keeper.instanceId);
const upgradeCode = (guest: Guest) =>
  guest.machine((machine) => machine.upgradeKeeper().catch(({ code }) => code as string));
const bar = (guest: Guest) => guest.page.getByRole('region', { name: 'Newer keeper' });

async function expectUnharmed(guest: Guest, before: string): Promise<void> {
  expect(await keeperId(guest)).toBe(before);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
}

test('a keeper whose script is missing or broken takes no guest, and the next one does', async ({
  guest,
  site,
}) => {
  await guest.run('kept=here');
  const before = await keeperId(guest);
  await site.put('keeper.js', 'not a script');
  expect(await upgradeCode(guest)).toBe('keeper-unavailable');
  await expectUnharmed(guest, before);
  await site.remove('keeper.js');
  expect(await upgradeCode(guest)).toBe('keeper-unavailable');
  await expectUnharmed(guest, before);
  await putOtherKeeper(site, 1);
  await guest.machine((machine) => machine.upgradeKeeper());
  expect(await keeperId(guest)).not.toBe(before);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('a page of a newer build offers the newer keeper, says why a move failed, and moves when asked again', async ({
  guest,
  newerSite,
  site,
}) => {
  await guest.run('kept=here');
  const before = await keeperId(guest);
  await expect(bar(guest)).toBeHidden();
  await site.deploy(newerSite);
  const newer = String(await site.read('keeper.js'));
  await site.put('keeper.js', await bundleModule(resolve('e2e/support/failing-keeper.ts')));
  await guest.reloadPage();
  await bar(guest).getByRole('button', { name: 'Move the guest' }).click();
  const notice = playground(guest.page).notice;
  await expect(notice).toContainText('This keeper takes no guest.');
  await expectUnharmed(guest, before);

  await site.put('keeper.js', newer);
  await notice.getByRole('button', { name: 'Try again' }).click();
  await expect(guest.page.getByRole('status').first()).toBeAttached();
  await expect(bar(guest)).toBeHidden();
  expect(await keeperId(guest)).not.toBe(before);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('snapshots that would not follow are named before the move, and the user may move anyway', async ({
  guest,
  newerSite,
  site,
}) => {
  await guest.run('kept=here');
  await guest.machine((machine) => machine.snapshot());
  const before = await keeperId(guest);
  await site.deploy(newerSite);
  await guest.reloadPage();
  await bar(guest).getByRole('button', { name: 'Move the guest' }).click();
  const { notice } = playground(guest.page);
  await expect(notice).toContainText('1 snapshot in the memory of this keeper would be lost');
  await expectUnharmed(guest, before);
  await notice.getByRole('button', { name: 'Move anyway' }).click();
  await expect(bar(guest)).toBeHidden();
  expect(await keeperId(guest)).not.toBe(before);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('where it is set so, a page of a newer build moves the guest by itself', async ({
  guest,
  newerSite,
  site,
}) => {
  await guest.run('kept=here');
  const before = await keeperId(guest);
  await guest.page.evaluate(() => localStorage.setItem('holdfast.auto-update', 'on'));
  await site.deploy(newerSite);
  await guest.reloadPage();
  await expect.poll(() => keeperId(guest)).not.toBe(before);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});
