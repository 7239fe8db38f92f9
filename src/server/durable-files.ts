/**
 * Files that are complete and survive a power cut: first the content is flushed, then the folder
 * with the name.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Names of files that are being written. A sweep removes those that a crash left. */
export const temporaryName = /^\.[0-9a-f]{32}$/;

/** Renames a file within its file system. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await flush(from, 'r+');
  await rename(from, to);
  await flush(dirname(to), 'r');
}

/** Replaces the content of a file with text, completely or not at all. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(16).toString('hex')}`);
  await makeFolder(dirname(path));
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await moveDurably(temporary, path);
  } catch (error) {
    // On a full disk a partial file also takes room.
    await rm(temporary, { force: true });
    throw error;
  }
}

export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await flush(dirname(path), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first !== undefined) await flush(dirname(first), 'r');
}

async function flush(path: string, flags: 'r' | 'r+'): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } catch (error) {
    // Windows cannot flush folders; its file systems log changes of names.
    if (process.platform !== 'win32' || flags !== 'r') throw error;
  } finally {
    await file.close();
  }
}
