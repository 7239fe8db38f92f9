/** Files of this computer among a machine's options. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HoldfastError } from '../../errors.ts';
import { driveNames } from '../../protocol/config.ts';
import type {
  DiskInput,
  ImageInput,
  MachineOptions,
} from '../../protocol/options/machine-options.ts';

/** The path of a file, relative to the current directory. */
export interface LocalFile {
  path: string;
}

const disks = driveNames;
const images = ['bios', 'vgaBios', 'bzImage', 'multiboot', 'initrd'] as const;
type DiskName = (typeof disks)[number];
type ImageName = (typeof images)[number];

/** {@link MachineOptions} in Node: files by path too, without the options of a browser's storage. */
export type NodeMachineOptions = Omit<
  MachineOptions,
  DiskName | ImageName | 'durable' | 'suspendWhenHiddenMs'
> &
  Partial<Record<DiskName, DiskInput | LocalFile>> &
  Partial<Record<ImageName, ImageInput | LocalFile>>;

/**
 * Replaces paths by URLs. Disks are then read in slices, when the guest reads them.
 * @throws HoldfastError `image-unavailable` if a file does not exist
 */
export async function withFileUrls(options: NodeMachineOptions): Promise<MachineOptions> {
  const found: Record<string, unknown> = { ...options };
  for (const name of [...disks, ...images]) {
    const input = options[name];
    if (!isLocalFile(input)) continue;
    const url = await urlOf(name, input.path);
    found[name] = disks.some((disk) => disk === name) ? { url, load: 'range' } : url;
  }
  return found as MachineOptions;
}

function isLocalFile(input: unknown): input is LocalFile {
  return (
    typeof input === 'object' && input !== null && 'path' in input && typeof input.path === 'string'
  );
}

async function urlOf(option: string, path: string): Promise<string> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() && found.size > 0) return pathToFileURL(file).href;
  const why = found?.isFile() ? 'is empty' : found ? 'is no file' : 'is not there';
  throw new HoldfastError(
    'image-unavailable',
    `${file}, given for the option "${option}", ${why}.`,
  );
}
