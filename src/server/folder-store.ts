import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { moveDurably, removeDurably, temporaryName, writeDurably } from './durable-files.ts';
import { notFound } from './http.ts';
import { type ByteRange, checkKey, isKey, type ObjectStore } from './object-store.ts';

/** States as files on a disk. */
export class FolderStore implements ObjectStore {
  readonly #folder: string;

  /** @param folder on the same file system as the files for `putFile` */
  constructor(folder: string) {
    this.#folder = folder;
  }

  putFile(key: string, path: string): Promise<void> {
    return moveDurably(path, this.#path(key));
  }

  putText(key: string, text: string): Promise<void> {
    return writeDurably(this.#path(key), text);
  }

  async getText(key: string): Promise<string | undefined> {
    return await unlessMissing(readFile(this.#path(key), 'utf8'));
  }

  async size(key: string): Promise<number | undefined> {
    const found = await unlessMissing(stat(this.#path(key)));
    return found?.isFile() ? found.size : undefined;
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    // Opened before the answer: a file that is removed later can still be read to its end.
    const file = await unlessMissing(open(this.#path(key), 'r'));
    if (!file) throw notFound();
    return createReadStream('', { fd: file, ...range });
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await removeDurably(path);
    // The folder goes with the last share in it; otherwise it is not empty and stays.
    if (key.split('/').length === 3) await rmdir(dirname(path)).catch(() => {});
  }

  async *list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }> {
    for await (const path of filesIn(join(this.#folder, prefix), true)) {
      const key = path.slice(this.#folder.length + 1).replaceAll('\\', '/');
      const found = await unlessMissing(stat(path));
      if (found && isKey(key)) yield { key, sizeBytes: found.size };
    }
  }

  async removeTemporaries(olderThanMs: number): Promise<void> {
    // Earlier versions wrote them into the folder itself.
    for (const folder of ['', 'states', 'records']) {
      for await (const path of filesIn(join(this.#folder, folder))) {
        if (!temporaryName.test(basename(path))) continue;
        const found = await unlessMissing(stat(path));
        if (found && Date.now() - found.mtimeMs >= olderThanMs) await rm(path, { force: true });
      }
    }
  }

  #path(key: string): string {
    return join(this.#folder, checkKey(key));
  }
}

async function* filesIn(folder: string, recursive = false): AsyncIterable<string> {
  const entries = await unlessMissing(readdir(folder, { withFileTypes: true, recursive }));
  for (const entry of entries ?? []) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
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
