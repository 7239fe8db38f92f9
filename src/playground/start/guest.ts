/** The guests that this site ships, as machine configurations. */

import { type LoadedFile, shareFiles } from '../../client/options/ninep-input.ts';
import { HoldfastError } from '../../errors.ts';
import { defaultConfig, type MachineConfig } from '../../protocol/config.ts';
import { sourceName } from '../../protocol/images.ts';
import { bringsItsOwnSystem, type GuestName, type UrlOptions } from '../address/page-options.ts';
import type { UrlMachine } from '../address/url-machine.ts';

/** `guest.json` beside a kernel. File names are relative to it. */
interface GuestDescription {
  name: string;
  bzimage: string;
  initrd?: string;
  cmdline?: string;
  memoryMiB?: number;
  /** Text on its consoles once it has booted. */
  prompt?: string;
  /** A state file of it at that prompt. */
  state?: string;
}

/** A guest to boot. */
export interface LoadedGuest {
  config: MachineConfig;
  /** Text on its consoles once it has booted. Absent: unknown. */
  prompt?: string;
  /** URL of a state file of it, unchanged, at that prompt. */
  promptState?: string;
  /** Files for its 9p share, once it has been started. */
  files?: readonly LoadedFile[];
}

/**
 * @param base URL of the site's root
 * @param memoryMiB replaces the guest's own memory size
 * @throws HoldfastError `image-unavailable` if the guest's description is not available
 */
export async function loadGuest(
  guest: GuestName,
  base: string,
  memoryMiB?: number,
): Promise<LoadedGuest> {
  const sized = (config: MachineConfig) => ({ config: withMemory(config, memoryMiB) });
  switch (guest) {
    case 'linux': {
      const url = new URL('guests/linux/guest.json', base).href;
      const description = await fetchDescription(url);
      const { prompt, state, memoryMiB: usual } = checkDescription(description, url);
      const isUnchanged = memoryMiB === undefined || memoryMiB === usual;
      return {
        ...sized(linuxConfig(description, url, base)),
        ...(prompt && { prompt }),
        ...(state && isUnchanged && { promptState: new URL(state, url).href }),
      };
    }
    case 'pattern-text':
      return sized(patternConfig('Pattern, text', 'text.img', base));
    case 'pattern-graphics':
      return sized(patternConfig('Pattern, graphics', 'graphics.img', base));
  }
}

/** A machine that boots a kernel, from the text of its `guest.json` at `url`. */
export function linuxConfig(description: unknown, url: string, base: string): MachineConfig {
  const { name, bzimage, initrd, cmdline, memoryMiB } = checkDescription(description, url);
  return {
    ...firmware(base),
    ...defaultConfig,
    name,
    memoryMiB: memoryMiB ?? defaultConfig.memoryMiB,
    bzImage: { url: new URL(bzimage, url).href },
    ...(initrd !== undefined && { initrd: { url: new URL(initrd, url).href } }),
    ...(cmdline !== undefined && { cmdline }),
  };
}

/**
 * The machine that the address describes: the guest with changes. An address with a medium to boot from
 * and without `?guest=` describes a bare machine.
 * @throws HoldfastError `image-unavailable` if the guest's description or a file of the share is not
 * available
 */
export async function loadDescribed(
  { guest, hasGuest, memoryMiB, machine }: UrlOptions,
  base: string,
): Promise<LoadedGuest> {
  const isBare = machine && bringsItsOwnSystem(machine) && !hasGuest;
  const { config, prompt, promptState }: LoadedGuest = isBare
    ? { config: { ...firmware(base), ...defaultConfig, name: nameOf(machine) } }
    : await loadGuest(guest, base, memoryMiB);
  const described = { ...config, ...machine?.images, ...machine?.settings };
  return {
    config: withMemory(described, memoryMiB),
    ...(machine?.share && { files: await shareFiles(machine.share, true) }),
    ...(prompt && { prompt }),
    // The state is from the unchanged guest.
    ...(promptState && !machine && { promptState }),
  };
}

/** The first file that it boots from. */
function nameOf({ images }: UrlMachine): string {
  const { hda, cdrom, fda, bzImage, multiboot } = images;
  const source = [hda, cdrom, fda, bzImage, multiboot].find((file) => file && 'url' in file);
  return source ? sourceName(source) : 'Machine';
}

/** The bare machine of the memory checks: a floppy and nothing else. */
function patternConfig(name: string, image: string, base: string): MachineConfig {
  return {
    ...firmware(base),
    ...defaultConfig,
    name,
    network: 'none',
    filesystem9p: false,
    virtioConsole: false,
    fda: { url: new URL(`guests/pattern/${image}`, base).href },
  };
}

/** Firmware of every machine of this site. */
export function firmware(base: string): Pick<MachineConfig, 'bios' | 'vgaBios'> {
  return {
    bios: { url: new URL('firmware/seabios.bin', base).href },
    vgaBios: { url: new URL('firmware/vgabios.bin', base).href },
  };
}

function withMemory(config: MachineConfig, memoryMiB: number | undefined): MachineConfig {
  return memoryMiB === undefined ? config : { ...config, memoryMiB };
}

async function fetchDescription(url: string): Promise<unknown> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.json();
  } catch (error) {
    throw HoldfastError.from(error, 'image-unavailable', `Could not load ${url}`);
  }
}

function checkDescription(description: unknown, url: string): GuestDescription {
  const fields = new Map(Object.entries(Object(description)));
  const text = (field: string): string | undefined => {
    const value = fields.get(field);
    if (value === undefined || typeof value === 'string') return value;
    throw new HoldfastError('image-unavailable', `In ${url}, "${field}" is not text.`);
  };
  const memoryMiB = fields.get('memoryMiB');
  if (memoryMiB !== undefined && typeof memoryMiB !== 'number')
    throw new HoldfastError('image-unavailable', `In ${url}, "memoryMiB" is not a number.`);
  const bzimage = text('bzimage');
  if (bzimage === undefined)
    throw new HoldfastError('image-unavailable', `${url} does not name a kernel ("bzimage").`);

  const found: GuestDescription = { name: text('name') ?? 'Linux', bzimage };
  const initrd = text('initrd');
  const cmdline = text('cmdline');
  const prompt = text('prompt');
  const state = text('state');
  if (prompt !== undefined) found.prompt = prompt;
  if (state !== undefined) found.state = state;
  if (initrd !== undefined) found.initrd = initrd;
  if (cmdline !== undefined) found.cmdline = cmdline;
  if (memoryMiB !== undefined) found.memoryMiB = memoryMiB;
  return found;
}
