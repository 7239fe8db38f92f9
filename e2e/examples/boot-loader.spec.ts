/**
 * Example: a boot loader, driven from its menu to its command line by the contents of the screen.
 */
import { expect, test } from 'holdfast/playwright';
import { debianFile } from '../support/debian-packages.ts';

test.use({ guestOptions: { base: 'pc', machine: { memoryMiB: 64, network: 'none' } } });

test('GRUB’s menu leads to its command line, and back', async ({ guest }) => {
  const image = await debianFile('grub-rescue-pc', 'usr/lib/grub-rescue/grub-rescue-cdrom.iso');
  test.skip(!image, 'Debian’s package grub-rescue-pc is not available here.');
  await guest.insertCd({ bytes: new Uint8Array(image ?? []) });
  await guest.reset();
  await guest.bootCommand([
    '<wait /GNU GRUB[^]*for a command-line/>',
    'c',
    '<wait "grub>">',
    'echo I am $grub_platform<enter>',
    '<wait "I am pc">',
    '<esc>',
    '<wait /GNU GRUB[^]*for a command-line/>',
  ]);
  await expect(guest).not.toShowText(/grub>/);
});
