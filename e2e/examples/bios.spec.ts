/** Example: tests the time before an operating system runs, by the contents of the screen. */
import { expect, test } from 'holdfast/playwright';

// A PC with empty drives.
test.use({ guestOptions: { base: 'pc', machine: { memoryMiB: 32, network: 'none' } } });

test('the BIOS says that there is nothing to boot from', async ({ guest }) => {
  await guest.waitForText(/SeaBIOS/);
  await expect(guest).toShowText(/No bootable device/);
});

test('a floppy that is put in boots after Ctrl+Alt+Delete', async ({ guest }) => {
  await guest.waitForText(/No bootable device/);
  await guest.insertFloppy('public/guests/pattern/text.img');
  await guest.sendKey('ctrl-alt-delete');
  await guest.waitForText(/Holdfast pattern guest/);
  await guest.waitForSerial(/pass \d+/);
});
