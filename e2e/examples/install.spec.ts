/** Example: an operating system is installed onto an empty disk, and booted from it. */
import { expect, test } from 'holdfast/playwright';

test.use({ guestOptions: { machine: { hda: { emptyBytes: 16 << 20 } } } });

test('a Linux is installed onto an empty disk, and boots from it', { tag: '@slow' }, async ({
  guest,
}) => {
  // The guest is its own installation medium: a Linux in RAM.
  await guest.succeed(
    `mke2fs -q /dev/sda
     mkdir /target && mount -t ext2 /dev/sda /target && cd /target
     cp -a /bin /sbin /etc /usr /init .
     mkdir dev proc sys tmp run mnt root
     echo installed >etc/issue
     cd / && umount /target`,
    { timeout: 60_000 },
  );

  await guest.powerCycle({
    initrd: undefined,
    cmdline: 'console=ttyS0,115200 quiet root=/dev/sda rw init=/init',
  });
  await guest.waitForSerial(/holdfast:~# /, { timeout: 60_000 });
  expect(await guest.succeed('cat /etc/issue')).toBe('installed\n');
  expect(await guest.succeed('grep " / " /proc/mounts')).toMatch(/^\/dev\/root \/ ext/m);
});
