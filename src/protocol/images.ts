/** The images and drives of a configuration: their names, and which of them hold data. */
import { type DriveSource, driveNames, type ImageSource, type MachineConfig } from './config.ts';

/** For people: `debian.iso`, `2 MiB of bytes`. */
export function sourceName(source: ImageSource | DriveSource): string {
  if ('url' in source) return source.url.slice(source.url.lastIndexOf('/') + 1);
  if ('file' in source) return 'name' in source.file ? String(source.file.name) : 'a file';
  return 'bytes' in source ? `${source.bytes.length} bytes` : 'an empty disk';
}

/** The options that are files. */
export const imageKeys = [
  'bios',
  'vgaBios',
  'bzImage',
  'initrd',
  'multiboot',
  ...driveNames,
] as const;

export type ImageName = (typeof imageKeys)[number];

/** Whether a source is only described. */
const isWithoutData = (source: ImageSource | DriveSource): boolean =>
  'bytes' in source ? source.bytes.length === 0 : 'file' in source && source.file.size === 0;

/** The images that a configuration describes without their data, as a status does. */
export const imagesWithoutData = (config: MachineConfig): ImageName[] =>
  imageKeys.filter((key) => {
    const source = config[key];
    return source !== undefined && isWithoutData(source);
  });

/** The configuration without the data of its images, to be sent around. */
export function withoutContents(config: MachineConfig): MachineConfig {
  const described = { ...config };
  for (const key of imageKeys) {
    const source = described[key];
    if (source && 'bytes' in source)
      described[key] = { bytes: new Uint8Array(0), sizeBytes: source.bytes.length };
  }
  return described;
}
