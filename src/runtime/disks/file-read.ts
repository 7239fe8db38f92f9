import { HoldfastError } from '../../errors.ts';
import { ChangedError } from './range-fetch.ts';

/**
 * Reads a part of a file that the user picked. It remains on the user's disk. The browser refuses
 * to read it after it was changed or deleted.
 * @throws HoldfastError `image-unavailable`
 */
export async function readFile(file: Blob, start: number, length: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(start, start + length).arrayBuffer());
  } catch (cause) {
    throw new HoldfastError(
      'image-unavailable',
      `The file ${nameOf(file)} cannot be read any more: it was changed, moved or deleted. Put it back, or pick it again.`,
      { cause: new ChangedError(String(cause), { cause }) },
    );
  }
}

export function nameOf(file: Blob): string {
  return 'name' in file && typeof file.name === 'string' ? file.name : 'blob';
}

/** Returns `mtime:…` for files; a blob that was made in memory has none. */
export function versionOf(file: Blob): string | undefined {
  return 'lastModified' in file ? `mtime:${file.lastModified}` : undefined;
}
