/** What people bring, on every path on which a PC boots, from every kind of source. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { multibootKernel } from '../tools/guests/multiboot/multiboot-kernel.ts';
import { expect, patternGuest, test } from './test.ts';

// What the page boots by itself is replaced as soon as it is there.
test.use({ guestQuery: `${patternGuest.guestQuery}&durable=off`, guestReady: /^/ });

test('a Multiboot kernel boots with its command line, and again after a live update and a reset', async ({
  guest,
  inPage,
  runtimes,
}) => {
  const multiboot = [...Buffer.from(multibootKernel, 'base64')];
  await guest.machine(
    async (machine, [url, bytes, runtime]) => {
      const { machineConfig } = await import(url);
      const options = { multiboot: Uint8Array.from(bytes), cmdline: 'one two', memoryMiB: 16 };
      const firmware = { bios: 'firmware/seabios.bin', vgaBios: 'firmware/vgabios.bin' };
      await machine.start(await machineConfig(options, firmware), runtime, { replace: true });
    },
    [inPage, multiboot, runtimes.newer] as const,
  );
  const answers = async (letter: string) => {
    const from = await guest.serial.end();
    await guest.serial.write(letter);
    await guest.waitForSerial(new RegExp(`echo ${letter}\\r\\n`), { from });
  };
  await guest.waitForSerial(/multiboot one two\r\n/);
  await answers('a');
  await guest.liveUpdate(runtimes.older);
  await answers('b');
  await guest.reloadPage();
  await answers('c');
  const from = await guest.serial.end();
  await guest.machine((machine) => machine.reset());
  await guest.waitForSerial(/multiboot one two\r\n/, { from });
  await answers('d');
});

test('a local disk of 2 GiB is read where the guest reads it, and nowhere else', async ({
  guest,
  page,
  inPage,
  runtimes,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-disk-'));
  try {
    const path = join(folder, 'disk.img');
    const sizeBytes = 2 * 1024 ** 3;
    const file = await open(path, 'w');
    await file.truncate(sizeBytes);
    await file.write('at the very end', sizeBytes - 512);
    await file.close();
    await page.evaluate(() => {
      const input = document.createElement('input');
      input.type = 'file';
      input.id = 'disk';
      document.body.append(input);
    });
    await page.locator('#disk').setInputFiles(path);
    await guest.machine(
      async (machine, [url, runtime]) => {
        const { machineConfig } = await import(url);
        const { files } = document.querySelector('#disk') as HTMLInputElement;
        const config = await machineConfig(
          {
            hda: files?.[0],
            bzImage: 'guests/linux/bzImage',
            initrd: 'guests/linux/initrd.lz4',
            cmdline: 'console=tty0 console=ttyS0 quiet tsc=reliable tsc_early_khz=1000000',
          },
          { bios: 'firmware/seabios.bin', vgaBios: 'firmware/vgabios.bin' },
        );
        await machine.start(config, runtime, { replace: true });
      },
      [inPage, runtimes.newer] as const,
    );
    await guest.waitForSerial(/holdfast:~# /);
    const { output } = await guest.run(
      'cat /sys/block/sda/size; dd if=/dev/sda bs=512 skip=4194303 2>/dev/null | head -c 15',
    );
    expect(output).toBe('4194304\nat the very end');
    const hda = (await guest.machine((machine) => machine.infoBlock()))[0];
    expect(hda?.medium).toMatchObject({ sizeBytes, backing: 'file' });
    // Chunks of 64 KiB, of 32,768.
    expect(hda?.medium?.cache?.misses).toBeLessThan(64);
  } finally {
    await rm(folder, { recursive: true });
  }
});
