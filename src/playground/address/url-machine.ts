/** A machine described by the address of the page, with the option names of v86's own page. No DOM. */

import type { MachineOptions } from '../../client/options/machine-options.ts';
import { isAllowed, optionRules } from '../../client/options/schema.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { reachedFile, reachOf, toBeAsked } from '../../protocol/reach.ts';
import { allowedUrl, fileUrl } from './file-url.ts';
import { readDrives, type UrlDrives } from './url-drives.ts';
import { type Refuse, urlFlag } from './url-flag.ts';
import { allowedRelay, relayBackend } from './url-network.ts';

type Images = UrlDrives &
  Partial<Pick<MachineConfig, 'bzImage' | 'initrd' | 'multiboot' | 'bios' | 'vgaBios'>>;

/** What is in the 9p share when the machine begins; both absolute. */
interface UrlShare {
  /** A file index of v86's format (`fs.json`). */
  index: string;
  /** The folder of its files. Absent: that of the index. */
  base?: string;
}

/** What the address says about the machine; everything else is as the guest or the defaults have it. */
export interface UrlMachine {
  images: Images;
  share?: UrlShare;
  settings: Partial<
    Pick<
      MachineConfig,
      | 'cmdline'
      | 'vgaMemoryMiB'
      | 'bootOrder'
      | 'acpi'
      | 'sound'
      | 'keyboardLayout'
      | 'cpu'
      | 'network'
      | 'networkBackend'
      | 'mac'
      | 'serialPorts'
      | 'virtioConsole'
      | 'filesystem9p'
    >
  >;
}

/** Documented in the help dialog and in docs/playground.md. */
export const machineOptionHelp = [
  ['?hda.url=disk.img', 'a hard disk; hdb.url a second one'],
  ['?hda.async=1', 'fetched as the guest reads it; hda.size says how many bytes it has'],
  ['?hda.part_size=1M', 'the same of a disk that was split into files of this size'],
  ['?hda.empty=2G', 'an empty hard disk; hdb.empty a second one'],
  ['?cdrom.url=a.iso', 'a CD'],
  ['?fda.url=a.img', 'a floppy; fdb.url a second one'],
  ['?bzimage.url=bzImage', 'a Linux kernel; initrd.url its initial RAM disk'],
  ['?multiboot.url=kernel', 'a Multiboot kernel; initrd.url its module'],
  ['?bios.url=bios.bin', 'another BIOS; vga_bios.url another VGA BIOS'],
  ['?cmdline=quiet', 'the command line of the kernel'],
  ['?vram=16', 'memory of the VGA in MiB: 1, 2, 4 … 256'],
  ['?boot_order=213', 'digits: 1 floppy, 2 hard disk, 3 CD, the last one first; v86’s own numbers'],
  ['?acpi=1', 'with power management'],
  ['?net_device_type=virtio', 'the network device: none, ne2k or virtio; mac its address'],
  [
    '?relay_url=fetch',
    'the network: fetch, inbrowser, or a relay at wss:// (Ethernet frames) or wisps://',
  ],
  [
    '?serial_ports=4',
    'serial ports, 1 to 4; virtio_console=0 and filesystem=0 leave those devices out',
  ],
  [
    '?filesystem.basefs=fs.json',
    'the files of the 9p share: an index of v86’s fs2json; filesystem.baseurl is their folder',
  ],
  ['?cpuid_level=2', 'for guests that stumble over more; disable_jit=1 interprets everything'],
  ['?keyboard=de', 'what the guest has its keyboard set to: pasted text is typed for that'],
  ['?sound=1', 'what it plays can be heard: Sound Blaster 16 and PC speaker'],
] as const satisfies readonly (readonly [string, string])[];

/** Kernels and firmware: v86's names, and ours. */
const wholeImages = {
  bzimage: 'bzImage',
  initrd: 'initrd',
  multiboot: 'multiboot',
  bios: 'bios',
  vga_bios: 'vgaBios',
} as const;
/** What is on or off: v86's names, and ours. */
const switches = {
  acpi: 'acpi',
  sound: 'sound',
  virtio_console: 'virtioConsole',
  filesystem: 'filesystem9p',
} as const;

/**
 * @param base what relative addresses are relative to
 * @returns undefined where the address says nothing of the kind
 */
export function parseUrlMachine(
  query: URLSearchParams,
  base: string,
  refuse: Refuse,
): UrlMachine | undefined {
  const found: UrlMachine = { images: readDrives(query, base, refuse), settings: {} };
  for (const name of keysOf(wholeImages)) {
    const option = `${name}.url`;
    const value = query.get(option);
    if (value === null) continue;
    const url = fileUrl(value, base);
    if (url) found.images[wholeImages[name]] = { url };
    else refuse(option, value, allowedUrl);
  }
  if (found.images.initrd && !found.images.bzImage && !found.images.multiboot) {
    const allowed = 'given together with bzimage.url or multiboot.url only';
    refuse('initrd.url', query.get('initrd.url') ?? '', allowed);
  }
  if (found.images.multiboot && found.images.bzImage) {
    refuse('multiboot.url', query.get('multiboot.url') ?? '', 'given without bzimage.url only');
  }

  const cmdline = query.get('cmdline');
  if (cmdline !== null) found.settings.cmdline = cmdline;
  const vram = query.get('vram');
  if (vram !== null) {
    if (/^(1|2|4|8|16|32|64|128|256)$/.test(vram)) found.settings.vgaMemoryMiB = Number(vram);
    else refuse('vram', vram, 'a power of two from 1 to 256 (MiB)');
  }
  const order = query.get('boot_order');
  if (order !== null) {
    if (/^[1-3]{1,3}$/.test(order)) found.settings.bootOrder = Number.parseInt(order, 16);
    else refuse('boot_order', order, 'one to three of the digits 1, 2 and 3, for example 213');
  }
  for (const name of keysOf(switches)) {
    const value = urlFlag(query, name, refuse);
    if (value !== undefined) found.settings[switches[name]] = value;
  }
  readDevices(query, found.settings, refuse);
  const share = readShare(query, base, refuse);
  if (share) {
    if (found.settings.filesystem9p === false)
      refuse(
        'filesystem.basefs',
        query.get('filesystem.basefs') ?? '',
        'given without filesystem=0',
      );
    found.share = share;
    // Not every guest of this site has one.
    found.settings.filesystem9p = true;
  }
  const isEmpty = [found.images, found.settings].every((part) => Object.keys(part).length === 0);
  return isEmpty ? undefined : found;
}

/** The options that the library's schema checks as they are. */
function readDevices(query: URLSearchParams, settings: UrlMachine['settings'], refuse: Refuse) {
  const read = (
    option: string,
    name: keyof MachineOptions,
    parse: (text: string) => unknown,
    allowed = optionRules[name].allowed,
  ) => {
    const text = query.get(option);
    if (text === null) return undefined;
    const value = parse(text);
    if (isAllowed(optionRules[name], value)) return { [name]: value };
    refuse(option, text, allowed);
    return undefined;
  };
  Object.assign(
    settings,
    read('net_device_type', 'network', String),
    read('mac', 'mac', String),
    read('keyboard', 'keyboardLayout', String),
    read('relay_url', 'networkBackend', relayBackend, allowedRelay),
    read('serial_ports', 'serialPorts', Number),
    read(
      'cpuid_level',
      'cpu',
      (text) => ({ cpuidLevel: Number(text) }),
      'a whole number from 1 to 22',
    ),
  );
  if (urlFlag(query, 'disable_jit', refuse)) settings.cpu = { ...settings.cpu, jit: false };
  if (settings.network !== 'none') return;
  const needsDevice = [
    ['mac', settings.mac !== undefined],
    ['relay_url', (settings.networkBackend?.kind ?? 'none') !== 'none'],
  ] as const;
  for (const [option, isGiven] of needsDevice)
    if (isGiven) refuse(option, query.get(option) ?? '', 'given with a network device only');
}

/** v86's names. */
function readShare(query: URLSearchParams, base: string, refuse: Refuse): UrlShare | undefined {
  const read = (option: string) => {
    const text = query.get(option);
    const url = text === null ? undefined : fileUrl(text, base);
    if (text !== null && !url) refuse(option, text, allowedUrl);
    return url;
  };
  const index = read('filesystem.basefs');
  const folder = read('filesystem.baseurl');
  if (index) return { index, ...(folder && { base: folder }) };
  if (folder && !query.has('filesystem.basefs')) {
    const allowed = 'given together with filesystem.basefs only';
    refuse('filesystem.baseurl', query.get('filesystem.baseurl') ?? '', allowed);
  }
  return undefined;
}

/** The files, and folders of files, that the address asks for from other origins than the page's. */
export function foreignFiles({ images, share }: UrlMachine, pageUrl: string): string[] {
  const folders = [share?.index, share?.base].filter((url) => url !== undefined);
  const reached = [
    ...reachOf(images, pageUrl),
    ...folders.map((url) => reachedFile('base', url, pageUrl)),
  ];
  return toBeAsked(reached).map(({ url }) => url);
}

function keysOf<T extends object>(object: T): (keyof T & string)[] {
  return Object.keys(object) as (keyof T & string)[];
}
