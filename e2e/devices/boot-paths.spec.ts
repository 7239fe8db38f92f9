/** Boots users' images on every boot path of a PC, from every kind of source. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { MachineOptions } from '../../src/protocol/options/machine-options.ts';
import { multibootKernel } from '../../tools/guests/multiboot/multiboot-kernel.ts';
import { debianFile } from '../support/debian-packages.ts';
import { prompt } from '../support/linux-guest.ts';
import {
  expect,
  type Guest,
  patternGuest,
  type Runtimes,
  type Site,
  test,
} from '../support/test.ts';

// The machine that the page boots by itself is replaced as soon as it runs.
test.use({ guestQuery: `${patternGuest.guestQuery}&durable=off`, guestReady: /^/ });

const partBytes = 1 << 20;

/** Boots options whose URLs are relative to the site. */
async function boot(
  guest: Guest,
  { inPage, runtimes }: { inPage: string; runtimes: Runtimes },
  options: MachineOptions,
): Promise<void> {
  await guest.machine(
    async (machine, [url, given, runtime]) => {
      const { machineConfig } = await import(url);
      const firmware = { bios: 'firmware/seabios.bin', vgaBios: 'firmware/vgabios.bin' };
      await machine.start(await machineConfig(given, firmware), runtime, { replace: true });
    },
    [inPage, { filesystem9p: false, network: 'none', ...options }, runtimes.newer] as const,
  );
}

/** Checks that the guest answers at its prompt after another runtime, and in another page. */
async function outlives(guest: Guest, runtimes: Runtimes, prompt: string): Promise<void> {
  for (const [word, move] of [
    ['first', () => Promise.resolve()],
    ['second', () => guest.liveUpdate(runtimes.older)],
    ['third', () => guest.reloadPage()],
  ] as const) {
    await move();
    await guest.machine((machine, text) => machine.type(text, { delayMs: 30 }), `echo ${word}\n`);
    await guest.waitForText(new RegExp(`${prompt}\\s*echo ${word}\\s*\\n${word}\\b`));
  }
}

/**
 * Moves from GRUB's menu, which would boot a system, to its command line, which must then survive
 * everything.
 */
async function grubOutlives(guest: Guest, runtimes: Runtimes): Promise<void> {
  await guest.waitForText(/for a command-line/, { timeout: 40_000 });
  await guest.machine((machine) => machine.sendKey('c'));
  await guest.waitForText(/grub>/);
  await outlives(guest, runtimes, 'grub>');
}

async function put(site: Site, name: string, bytes: Uint8Array): Promise<void> {
  await site.put(`images/${name}`, bytes);
}

/** A file of a Debian package; without it the test is skipped. */
async function fromDebian(name: string, path: string): Promise<Uint8Array> {
  const bytes = await debianFile(name, path);
  test.skip(
    !bytes,
    `Debian's package ${name} cannot be had here: apt-get download ${name} failed.`,
  );
  return bytes as Uint8Array;
}

const grubImage = (kind: 'cdrom.iso' | 'floppy.img') =>
  fromDebian('grub-rescue-pc', `usr/lib/grub-rescue/grub-rescue-${kind}`);

test.describe('GRUB’s rescue image', () => {
  test('boots as a CD that is fetched as a whole', async ({ guest, site, inPage, runtimes }) => {
    await put(site, 'grub.iso', await grubImage('cdrom.iso'));
    await boot(guest, { inPage, runtimes }, { cdrom: 'images/grub.iso' });
    await grubOutlives(guest, runtimes);
  });

  test('boots as a hard disk that is fetched in ranges', async ({
    guest,
    site,
    inPage,
    runtimes,
  }) => {
    await put(site, 'grub.img', await grubImage('cdrom.iso'));
    await boot(guest, { inPage, runtimes }, { hda: { url: 'images/grub.img', load: 'range' } });
    await grubOutlives(guest, runtimes);
  });

  test('boots as a hard disk in compressed parts, whose size is found', async ({
    guest,
    site,
    inPage,
    runtimes,
  }) => {
    const disk = await grubImage('cdrom.iso');
    for (let at = 0; at < disk.length; at += partBytes)
      await put(
        site,
        `grub-${at}-${at + partBytes}.img.gz`,
        gzipSync(disk.subarray(at, at + partBytes)),
      );
    await boot(
      guest,
      { inPage, runtimes },
      {
        hda: { url: 'images/grub.img.gz', load: 'parts', partBytes },
      },
    );
    await grubOutlives(guest, runtimes);
    const hda = (await guest.machine((machine) => machine.infoBlock()))[0];
    expect(hda?.medium?.sizeBytes).toBe(disk.length);
  });

  test('boots as a floppy that is compressed', async ({ guest, site, inPage, runtimes }) => {
    const floppy = await grubImage('floppy.img');
    await put(site, 'grub.img.gz', gzipSync(floppy));
    await boot(guest, { inPage, runtimes }, { fda: 'images/grub.img.gz' });
    await grubOutlives(guest, runtimes);
  });
});

test('iPXE boots as a bzImage, and as the CD that bootOrder names before the disk', async ({
  guest,
  site,
  inPage,
  runtimes,
}) => {
  const toShell = async () => {
    await guest.waitForText(/Ctrl-B/);
    await guest.machine((machine) => machine.sendKey('ctrl-b'));
    await guest.waitForText(/iPXE>/);
  };
  await put(site, 'ipxe.lkrn', await fromDebian('ipxe', 'boot/ipxe.lkrn'));
  await boot(guest, { inPage, runtimes }, { bzImage: 'images/ipxe.lkrn' });
  await toShell();
  await outlives(guest, runtimes, 'iPXE>');

  await put(site, 'ipxe.iso', await fromDebian('ipxe', 'usr/lib/ipxe/ipxe.iso'));
  await boot(
    guest,
    { inPage, runtimes },
    {
      cdrom: 'images/ipxe.iso',
      hda: { emptyBytes: 1 << 20 },
      bootOrder: ['cdrom', 'hda'],
    },
  );
  await toShell();
});

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

test('Debian’s Multiboot game runs, and plays on after a live update and a reload', async ({
  guest,
  site,
  inPage,
  runtimes,
}) => {
  await put(site, 'invaders', await fromDebian('grub-invaders', 'boot/invaders.exec'));
  await boot(guest, { inPage, runtimes }, { multiboot: 'images/invaders', memoryMiB: 32 });
  const paused = /PAUSE/;
  const playing = /^(?![\s\S]*PAUSE)[\s\S]*-\*-/;
  const press = async (outcome: RegExp) => {
    await guest.machine((machine) => machine.sendKey('p'));
    await guest.waitForText(outcome);
  };
  await guest.waitForText(playing);
  // The game ends soon without a player.
  await press(paused);
  await guest.liveUpdate(runtimes.older);
  await press(playing);
  await press(paused);
  await guest.reloadPage();
  await press(playing);
});

test('memtest86+ 6 ends with a report: its paging is more than v86 has', async ({
  guest,
  site,
  inPage,
  runtimes,
}) => {
  // It turns PAE on without CR4.PSE and maps 2 MiB pages. A CPU supports that, v86 does not. v86 reads
  // the page as a page table, and faults until its stack is full.
  await put(site, 'memtest', await fromDebian('memtest86+', 'boot/memtest86+ia32.bin'));
  await boot(guest, { inPage, runtimes }, { bzImage: 'images/memtest', memoryMiB: 64 });
  await expect.poll(async () => (await guest.status()).runstate).toBe('internal-error');
  const { crash } = await guest.status();
  expect(crash).toContain('call stack');
});

test('Debian’s installer comes up through a live update and a reload, and continues', {
  tag: '@slow',
}, async ({ guest, site, inPage, runtimes }) => {
  test.slow();
  const folder = 'usr/lib/debian-installer/images/12/i386/text/debian-installer/i386';
  for (const name of ['linux', 'initrd.gz'])
    await put(
      site,
      name,
      await fromDebian('debian-installer-12-netboot-i386', `${folder}/${name}`),
    );
  await boot(
    guest,
    { inPage, runtimes },
    {
      bzImage: 'images/linux',
      initrd: 'images/initrd.gz',
      // Options of the installer: no graphical console, which has no text to read.
      cmdline: 'vga=normal fb=false nomodeset nokaslr mitigations=off',
      // With less memory it only offers English.
      memoryMiB: 512,
    },
  );
  await guest.waitForText(/\[ +\d+\.\d+\] /, { timeout: 60_000 });
  await guest.liveUpdate(runtimes.older);
  await guest.reloadPage();
  await guest.waitForText(/Select a language/, { timeout: 180_000 });
  await guest.machine((machine) => machine.sendKey('ret'));
  await guest.waitForText(/Select your location/, { timeout: 60_000 });
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
      document.body.append(input);
    });
    await page.locator('body > input[type=file]').setInputFiles(path);
    await guest.machine(
      async (machine, [url, runtime]) => {
        const { machineConfig } = await import(url);
        const { files } = document.querySelector('body > input[type=file]') as HTMLInputElement;
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
    await guest.waitForSerial(prompt);
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
