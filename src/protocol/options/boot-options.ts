/** Rows of images, drives and firmware. */
import type { DriveName } from '../config.ts';
import { bootOrder, bootOrderOfDigits } from './compound-kinds.ts';
import type { UrlName } from './option.ts';
import { choice, type OptionRows, urlFile } from './row-parts.ts';
import { line } from './simple-kinds.ts';
import { drive, image } from './source-kinds.ts';
import { asIs } from './text-values.ts';

const disk = { kind: 'image', origins: ['none', 'file', 'url', 'empty'], hasRanges: true } as const;
const medium = { kind: 'image', origins: ['none', 'file', 'url'] } as const;
const required = { kind: 'image', origins: ['file', 'url'] } as const;

/** Read by url-drives.ts, all names of a drive together. */
const urlDrive = (device: DriveName, helps: Record<string, UrlName['help']> = {}): UrlName[] =>
  ['url', 'size', 'async', 'part_size', 'empty'].map((part) => {
    const help = helps[part];
    return { name: `${device}.${part}`, ...(help && { help }) };
  });

export const bootOptions = {
  bzImage: {
    ...image,
    help: 'a Linux kernel',
    url: [urlFile('bzimage.url', ['bzImage', 'a Linux kernel; initrd.url its initial RAM disk'])],
    fields: [{ label: 'Kernel', control: required, boots: ['kernel'] }],
    inStateFile: 'optional',
  },
  multiboot: {
    ...image,
    help: 'a kernel in the Multiboot format, version 1',
    url: [urlFile('multiboot.url', ['kernel', 'a Multiboot kernel; initrd.url its module'])],
    fields: [{ label: 'Kernel', control: required, boots: ['multiboot'] }],
    inStateFile: 'optional',
  },
  initrd: {
    ...image,
    help: 'the initial RAM disk, or module, of a kernel',
    url: [urlFile('initrd.url')],
    fields: [{ label: 'Initial RAM disk', control: medium, boots: ['kernel', 'multiboot'] }],
    inStateFile: 'optional',
  },
  cmdline: {
    ...line,
    help: 'the command line of a kernel',
    url: [{ name: 'cmdline', fromText: asIs, help: ['quiet', 'the command line of the kernel'] }],
    fields: [
      {
        label: 'Command line',
        control: { kind: 'text', placeholder: 'console=ttyS0', isVerbatim: true },
        boots: ['kernel', 'multiboot'],
      },
    ],
    inStateFile: 'optional',
  },
  cdrom: {
    ...drive('cdrom'),
    help: 'a CD',
    url: urlDrive('cdrom', { url: ['a.iso', 'a CD'] }),
    fields: [{ label: 'CD', control: { ...medium, none: 'No CD', hasRanges: true } }],
    inStateFile: 'optional',
  },
  hda: {
    ...drive('hda'),
    help: 'the hard disk',
    url: urlDrive('hda', {
      url: ['disk.img', 'a hard disk; hdb.url a second one'],
      async: ['1', 'fetched as the guest reads it; hda.size says how many bytes it has'],
      part_size: ['1M', 'the same of a disk that was split into files of this size'],
      empty: ['2G', 'an empty hard disk; hdb.empty a second one'],
    }),
    fields: [{ label: 'Hard disk', control: { ...disk, none: 'No hard disk' } }],
    inStateFile: 'optional',
  },
  hdb: {
    ...drive('hdb'),
    help: 'a second hard disk; only with `hda`',
    url: urlDrive('hdb'),
    fields: [{ label: 'Second hard disk', control: disk, place: 'advanced' }],
    inStateFile: 'optional',
  },
  fda: {
    ...drive('fda'),
    help: 'a floppy of at most 3840 KiB',
    url: urlDrive('fda', { url: ['a.img', 'a floppy; fdb.url a second one'] }),
    fields: [{ label: 'Floppy', control: { ...medium, none: 'No floppy' } }],
    inStateFile: 'optional',
  },
  fdb: {
    ...drive('fdb'),
    help: 'a second floppy',
    url: urlDrive('fdb'),
    fields: [{ label: 'Second floppy', control: medium, place: 'advanced' }],
    inStateFile: 'optional',
  },
  bootOrder: {
    ...bootOrder,
    help: 'the devices to boot from; by default the floppy or the hard disk first',
    url: [
      {
        name: 'boot_order',
        fromText: bootOrderOfDigits,
        allowed: 'one to three of the digits 1, 2 and 3, for example 213',
        help: ['213', 'digits: 1 floppy, 2 hard disk, 3 CD, the last one first; v86’s own numbers'],
      },
    ],
    fields: [
      {
        label: 'Boot order',
        control: choice(
          ['', 'Floppy or hard disk, then CD'],
          ['cdrom,hda,fda', 'CD first'],
          ['hda,cdrom,fda', 'Hard disk first'],
          ['fda,hda,cdrom', 'Floppy first'],
        ),
        boots: ['drives'],
      },
    ],
    inStateFile: 'optional',
  },
  bios: {
    ...image,
    help: 'a BIOS instead of SeaBIOS',
    url: [urlFile('bios.url', ['bios.bin', 'another BIOS; vga_bios.url another VGA BIOS'])],
    fields: [{ label: 'BIOS', control: { ...medium, none: 'SeaBIOS' }, place: 'advanced' }],
    inStateFile: 'required',
  },
  vgaBios: {
    ...image,
    help: 'a VGA BIOS instead of that of SeaBIOS',
    url: [urlFile('vga_bios.url')],
    fields: [
      { label: 'VGA BIOS', control: { ...medium, none: 'That of SeaBIOS' }, place: 'advanced' },
    ],
    inStateFile: 'required',
  },
} satisfies OptionRows;
