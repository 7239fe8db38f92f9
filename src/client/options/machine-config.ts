/** Converts the options that users write to the configuration for the keeper. */
import { HoldfastError } from '../../errors.ts';
import { baseUrl } from '../../protocol/base-url.ts';
import {
  type DriveSource,
  defaultConfig,
  driveNames,
  type ImageSource,
  type MachineConfig,
} from '../../protocol/config.ts';
import { type ImageName, imageKeys, sourceName } from '../../protocol/images.ts';
import { requireOptions } from '../../protocol/options/check-options.ts';
import { optionsInConfig } from '../../protocol/options/in-config.ts';
import type {
  DiskInput,
  ImageInput,
  MachineOptions,
} from '../../protocol/options/machine-options.ts';

export interface Firmware {
  bios: ImageInput;
  vgaBios: ImageInput;
}

/** Options that name a machine, the first of them that is given. */
const naming = ['bzImage', 'multiboot', 'cdrom', 'hda', 'fda'] as const;

/**
 * Checks options and adds the defaults. URLs become absolute, relative to this page.
 * @param firmware used if the options name none
 * @throws HoldfastError `bad-config`; `image-unavailable` for a file that cannot be read
 */
export async function machineConfig(
  options: MachineOptions,
  firmware: Firmware,
): Promise<MachineConfig> {
  requireOptions(options);
  const images = { ...firmware, ...optionsInConfig(options) } as MachineOptions & Firmware;
  const sources: Partial<Record<ImageName, ImageSource | DriveSource>> = {};
  for (const key of imageKeys) {
    const input = images[key];
    if (input === undefined) continue;
    const isDrive = driveNames.some((drive) => drive === key);
    sources[key] = isDrive ? driveSource(input) : await imageSource(key, input as ImageInput);
  }
  const named = naming.flatMap((key) => sources[key] ?? []).map(sourceName)[0];
  const config = {
    ...defaultConfig,
    name: named ?? 'machine',
    ...optionsInConfig(options),
    ...sources,
  };
  return config as unknown as MachineConfig;
}

function driveSource(input: DiskInput): DriveSource {
  if (typeof input === 'string' || input instanceof URL) return { url: absolute(input) };
  if (input instanceof Blob) return { file: input };
  const bytes = bytesOf(input);
  if (bytes) return { bytes };
  const source = input as DriveSource;
  return 'url' in source ? { ...source, url: absolute(source.url) } : source;
}

async function imageSource(key: string, input: ImageInput): Promise<ImageSource> {
  if (!(input instanceof Blob)) return driveSource(input) as ImageSource;
  try {
    return { bytes: new Uint8Array(await input.arrayBuffer()) };
  } catch (thrown) {
    throw HoldfastError.from(thrown, 'image-unavailable', `The file for ${key} cannot be read`);
  }
}

function bytesOf(input: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (input instanceof ArrayBuffer) return new Uint8Array(input);
  if (input instanceof Uint8Array) return input as Uint8Array<ArrayBuffer>;
  if (typeof input === 'object' && input !== null && 'bytes' in input) return bytesOf(input.bytes);
  return undefined;
}

const absolute = (url: string | URL) => new URL(url, baseUrl()).href;
