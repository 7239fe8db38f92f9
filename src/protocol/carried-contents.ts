/** Images and disks whose bytes travel beside a configuration, in a state file or a migration. */
import type { DriveSource, ImageSource, MachineConfig } from './config.ts';
import { type ImageName, imageKeys } from './images.ts';

/** Stands for the bytes in a configuration. */
export interface CarriedContents {
  kind: 'bytes' | 'file';
  name: string;
  lastModifiedMs: number;
  sizeBytes: number;
}

type SourceWithContents = Exclude<
  ImageSource | DriveSource,
  { url: string } | { emptyBytes: number }
>;

/** Returns the contents that only this browser has. */
export function contentsOf(config: MachineConfig): Map<ImageName, Blob> {
  const contents = new Map<ImageName, Blob>();
  for (const name of imageKeys) {
    const source = config[name];
    if (!source) continue;
    if ('bytes' in source) contents.set(name, new Blob([source.bytes]));
    else if ('file' in source) contents.set(name, source.file);
  }
  return contents;
}

/** Describes contents in the place of their bytes. */
export function carriedContents(source: SourceWithContents): CarriedContents {
  const isFile = 'file' in source;
  const { name = '', lastModified = 0 } = (isFile ? source.file : {}) as Partial<File>;
  return {
    kind: isFile ? 'file' : 'bytes',
    name,
    lastModifiedMs: lastModified,
    sizeBytes: isFile ? source.file.size : source.bytes.length,
  };
}
