import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { notFound } from './http.ts';
import { type ByteRange, checkKey, type ObjectStore } from './object-store.ts';

/** States as files on a disk. */
export class FolderStore implements ObjectStore {
  readonly #folder: string;

  /** @param folder on the same file system as the files given to `putFile` */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async putFile(key: string, path: string): Promise<void> {
    const target = this.#path(key);
    await mkdir(dirname(target), { recursive: true });
    await flush(path);
    await rename(path, target);
  }

  async putText(key: string, text: string): Promise<void> {
    const temporary = join(this.#folder, `.${randomBytes(16).toString('hex')}`);
    await mkdir(this.#folder, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await this.putFile(key, temporary);
  }

  async getText(key: string): Promise<string | undefined> {
    return await unlessMissing(readFile(this.#path(key), 'utf8'));
  }

  async size(key: string): Promise<number | undefined> {
    const found = await unlessMissing(stat(this.#path(key)));
    return found?.isFile() ? found.size : undefined;
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    // Opened before it is answered for: a file removed meanwhile can still be read to its end.
    const file = await unlessMissing(open(this.#path(key), 'r'));
    if (!file) throw notFound();
    return createReadStream('', { fd: file, ...range });
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await rm(path, { force: true });
    // The last share of a state takes their folder with it; any other leaves it as it is.
    if (key.split('/').length === 3) await rmdir(dirname(path)).catch(() => {});
  }

  async *list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }> {
    const entries = await unlessMissing(
      readdir(join(this.#folder, prefix), { withFileTypes: true, recursive: true }),
    );
    for (const entry of entries ?? []) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const found = await unlessMissing(stat(path));
      const key = path.slice(this.#folder.length + 1).replaceAll('\\', '/');
      if (found) yield { key, sizeBytes: found.size };
    }
  }

  #path(key: string): string {
    return join(this.#folder, checkKey(key));
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
