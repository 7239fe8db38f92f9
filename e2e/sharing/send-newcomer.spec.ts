/** A machine with disks and files goes to another device, and people leave in the middle. */
import { DiskServer, noise } from '../support/disk-server.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import {
  accept,
  dialog,
  makeLink,
  openLink,
  press,
  type SendingFixtures,
  sendingFixtures,
} from '../support/sending.ts';
import { test as base, expect, Guest } from '../support/test.ts';

const test = base.extend<SendingFixtures>(sendingFixtures);
test.describe.configure({ timeout: 180_000 });

const mounted = 'until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done';
const sector = (disk: string) => `dd if=/dev/${disk} bs=512 skip=5 count=1 2>/dev/null | head -n 1`;

test('[SD9] disks with their changes and the files of the share go with a machine', {
  tag: '@slow',
}, async ({ page, browser, shareSite }) => {
  const disk = await DiskServer.serve(noise(1 << 20));
  const guest = await Guest.in(page);
  const disks = `hda.url=${encodeURIComponent(disk.url)}&hda.async=1&hda.size=1M&hdb.empty=1M`;
  const kernel =
    'bzimage.url=guests/linux/bzImage&initrd.url=guests/linux/initrd.lz4&cmdline=console=ttyS0';
  const address = `${kernel}&${disks}`;
  await page.goto(`${shareSite.url}?${address}`);
  await playground(page).approval.getByRole('button', { name: 'Fetch and start' }).click();
  await guest.attached();
  await guest.waitForSerial(prompt);
  await guest.succeed(mounted);
  const write = (what: string, name: string) =>
    `echo ${what} | dd of=/dev/${name} bs=512 seek=5 conv=notrunc,sync 2>/dev/null`;
  await guest.succeed(
    `${write('first', 'sda')} && ${write('second', 'sdb')} && sync && mkdir /mnt/dir && echo shared >/mnt/dir/note`,
  );
  const other = await openLink(browser, await makeLink(page));
  await press(page, 'Send');
  await accept(other.page);
  await expect(playground(other.page).approval).toContainText(disk.url);
  await playground(other.page).approval.getByRole('button', { name: /./ }).last().click();
  await expect(dialog(page)).toContainText('runs on the other device now');
  await other.attached();
  const seen = await other.succeed(`${sector('sda')}; ${sector('sdb')}; cat /mnt/dir/note`);
  expect(seen).toBe('first\nsecond\nshared\n');
  // A part that was not read before comes from the disk's address.
  const read = 'dd if=/dev/sda bs=4096 skip=200 count=1 2>/dev/null | sha256sum';
  await other.succeed('echo 3 >/proc/sys/vm/drop_caches');
  const { contents } = disk;
  const digest = await crypto.subtle.digest('SHA-256', contents.slice(200 * 4096, 201 * 4096));
  expect(await other.succeed(read)).toContain(Buffer.from(digest).toString('hex'));
  await other.succeed('echo later >/mnt/dir/later && sync');
  await disk.close();
});

test('[SD12] a receiver who goes back, and a sender who does, leave the guest here', {
  tag: '@slow',
}, async ({ page, browser, sender }) => {
  const other = await (await browser.newContext()).newPage();
  await other.goto('about:blank');
  await other.goto(await makeLink(page));
  await expect(dialog(page)).toContainText('Somebody has opened the link');
  await other.goBack();
  await expect(dialog(page)).toContainText('The guest is still here');
  await press(page, 'Make a new link');
  const link = dialog(page).getByLabel('Link', { exact: true });
  await expect(link).toBeVisible();
  const { page: waiting } = await openLink(browser, await link.inputValue());
  await press(page, 'Send');
  await expect(playground(waiting).approval).toBeVisible();
  const { url } = { url: page.url() };
  await page.goto('about:blank');
  await expect(playground(waiting).anyDialog).toHaveCount(0);
  await expect(playground(waiting).notices).toContainText(/left|cancelled/);
  await page.goBack();
  expect(page.url()).toBe(url);
  await sender.attached();
  await expect(playground(page).anyDialog).toHaveCount(0);
  expect((await sender.run('echo $kept')).output).toBe('here\n');
});

test('[SD12] a sender whose tab is closed in the middle finds the guest in a new one', {
  tag: '@slow',
}, async ({ page, context, browser, sender, shareSite }) => {
  const address = page.url();
  await sender.machine((machine) => machine.migrateSetParameters({ maxBandwidth: 1_000_000 }));
  const { page: other } = await openLink(browser, await makeLink(page));
  await press(page, 'Send');
  await accept(other);
  await expect(dialog(page)).toContainText(/% of the memory/);
  await page.close();
  await expect(playground(other).notices).toContainText('could not be moved');
  const again = await context.newPage();
  const guest = await Guest.in(again);
  await again.goto(address);
  await guest.attached();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  expect(address).toContain(shareSite.url);
});
