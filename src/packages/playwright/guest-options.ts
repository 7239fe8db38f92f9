/** Options of a guest for `test.use({ guestOptions: … })`. */
import {
  defaultConfig,
  driveNames,
  type ImageSource,
  type MachineConfig,
} from '../../protocol/config.ts';
import type { imageKeys } from '../../protocol/images.ts';
import type { Guest } from './guest.ts';
import type { Medium } from './guest-media.ts';
import type { Site } from './site.ts';

type DriveName = (typeof driveNames)[number];
type ImageName = Exclude<(typeof imageKeys)[number], DriveName>;

/** A machine's configuration, with drives and images that may also be files of this computer. */
export type GuestMachine = Partial<Omit<MachineConfig, DriveName | ImageName>> &
  Partial<Record<DriveName, Medium>> &
  Partial<Record<ImageName, ImageSource | { path: string }>>;

export interface GuestOptions {
  /**
   * The machine that `machine` changes.
   *
   * - `demo-linux` (default): the Linux that comes with Holdfast, with a shell, the agent, a network
   *   device and a 9p share
   * - `pc`: a PC with a BIOS and nothing in it
   */
  base?: 'demo-linux' | 'pc';
  machine?: GuestMachine;
  /** A v86 version or the id of a runtime. Default: the newest one. */
  runtime?: string;
  /**
   * Condition for a started guest: text of its first serial port, or a function that waits. Default: for
   * `demo-linux` an answer of its agent, for `pc` none.
   */
  ready?: RegExp | ((guest: Guest) => Promise<void>);
  /** Preparation of every test: runs once per worker, before the snapshot. */
  prepare?: (guest: Guest) => Promise<void>;
  /** Milliseconds until `ready`. Default 120,000, because the computer may be busy. */
  bootTimeout?: number;
  /**
   * The URL of your own page, in place of the fixtures' page. It starts a guest by itself and puts
   * `{ machine }` into `window.holdfast`. `base`, `machine` and `runtime` are then the page's.
   */
  page?: string;
}

export const defaultBootTimeout = 120_000;

/** `guest.json` beside a kernel. */
interface GuestDescription {
  bzimage: string;
  initrd?: string;
  cmdline?: string;
  memoryMiB?: number;
}

/** The configuration for these options, with everything at URLs. */
export async function machineConfig(
  { base = 'demo-linux', machine = {} }: GuestOptions,
  site: Site,
): Promise<MachineConfig> {
  const config: MachineConfig = {
    ...defaultConfig,
    name: 'guest',
    bios: { url: site.urlOf('firmware/seabios.bin') },
    vgaBios: { url: site.urlOf('firmware/vgabios.bin') },
    ...(base === 'demo-linux' && (await demoLinux(site))),
  };
  for (const [option, value] of Object.entries(machine)) {
    if (value === undefined) continue;
    const isFile = typeof value === 'object' && 'path' in value;
    const isDrive = driveNames.some((drive) => drive === option);
    Object.assign(config, {
      [option]: isFile
        ? { url: await site.share(value.path), ...(isDrive && { load: 'range' }) }
        : value,
    });
  }
  return config;
}

async function demoLinux(site: Site): Promise<Partial<MachineConfig>> {
  const folder = 'guests/linux';
  const description = JSON.parse(String(await site.read(`${folder}/guest.json`)));
  const { bzimage, initrd, cmdline, memoryMiB } = description as GuestDescription;
  const image = (name: string) => ({ url: site.urlOf(`${folder}/${name}`) });
  return {
    bzImage: image(bzimage),
    ...(initrd !== undefined && { initrd: image(initrd) }),
    ...(cmdline !== undefined && { cmdline }),
    ...(memoryMiB !== undefined && { memoryMiB }),
  };
}
