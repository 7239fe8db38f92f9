/** The guests that this site ships, as machine configurations. */
import { CprError } from '../errors.ts';
import { defaultConfig, type MachineConfig } from '../protocol/config.ts';
import type { GuestName } from './url-options.ts';

/** `guest.json` beside a kernel. File names are relative to it. */
interface GuestDescription {
  name: string;
  bzimage: string;
  initrd?: string;
  cmdline?: string;
  memoryMiB?: number;
}

/**
 * @param base URL of the site's root
 * @param memoryMiB instead of what the guest asks for by itself
 * @throws CprError `image-unavailable` when the guest's description cannot be had
 */
export async function loadGuest(
  guest: GuestName,
  base: string,
  memoryMiB?: number,
): Promise<MachineConfig> {
  switch (guest) {
    case 'linux': {
      const url = new URL('guests/linux/guest.json', base).href;
      return withMemory(linuxConfig(await fetchDescription(url), url, base), memoryMiB);
    }
    case 'pattern-text':
      return withMemory(patternConfig('Pattern, text', 'text.img', base), memoryMiB);
    case 'pattern-graphics':
      return withMemory(patternConfig('Pattern, graphics', 'graphics.img', base), memoryMiB);
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

function firmware(base: string): Pick<MachineConfig, 'bios' | 'vgaBios'> {
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
    throw CprError.from(error, 'image-unavailable', `Could not load ${url}`);
  }
}

function checkDescription(description: unknown, url: string): GuestDescription {
  const fields = new Map(Object.entries(Object(description)));
  const text = (field: string): string | undefined => {
    const value = fields.get(field);
    if (value === undefined || typeof value === 'string') return value;
    throw new CprError('image-unavailable', `In ${url}, "${field}" is not text.`);
  };
  const memoryMiB = fields.get('memoryMiB');
  if (memoryMiB !== undefined && typeof memoryMiB !== 'number')
    throw new CprError('image-unavailable', `In ${url}, "memoryMiB" is not a number.`);
  const bzimage = text('bzimage');
  if (bzimage === undefined)
    throw new CprError('image-unavailable', `${url} does not name a kernel ("bzimage").`);

  const found: GuestDescription = { name: text('name') ?? 'Linux', bzimage };
  const initrd = text('initrd');
  const cmdline = text('cmdline');
  if (initrd !== undefined) found.initrd = initrd;
  if (cmdline !== undefined) found.cmdline = cmdline;
  if (memoryMiB !== undefined) found.memoryMiB = memoryMiB;
  return found;
}
