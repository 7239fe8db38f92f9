import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { FileStore } from '@tus/file-store';
import { temporaryName, writeDurably } from './durable-files.ts';
import type { ObjectStore } from './object-store.ts';
import type { StoredUpload, UploadStore } from './upload-store.ts';

/** An upload is `ID`, described by `ID.json`; the result of its publication is `ID.result`. */
const uploadName = /^([0-9a-f]{32})(\.json)?$/;

/** Uploads as files on the local disk. */
export class FolderUploads implements UploadStore {
  readonly prefix = '';
  readonly tus: FileStore;
  readonly #folder: string;
  readonly #states: ObjectStore;

  private constructor(folder: string, states: ObjectStore) {
    this.#folder = folder;
    this.#states = states;
    this.tus = new FileStore({ directory: folder });
  }

  static async open(folder: string, states: ObjectStore): Promise<FolderUploads> {
    await makeFolders(folder);
    for (const name of await readdir(folder)) {
      // No other process writes to it: partial files are from before a crash.
      if (temporaryName.test(name)) await rm(join(folder, name), { force: true });
    }
    return new FolderUploads(folder, states);
  }

  async content(id: string): Promise<Readable> {
    return createReadStream(this.#path(id));
  }

  moveTo(key: string, id: string): Promise<void> {
    return this.#states.putFile(key, this.#path(id));
  }

  getResult(id: string): Promise<string | undefined> {
    return readFile(this.#path(`${id}.result`), 'utf8').catch(() => undefined);
  }

  putResult(id: string, text: string): Promise<void> {
    return writeDurably(this.#path(`${id}.result`), text);
  }

  async remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
    await rm(this.#path(`${id}.json`), { force: true });
  }

  async *list(): AsyncIterable<StoredUpload> {
    const uploads = new Map<string, StoredUpload>();
    for (const { name, changedAtMs } of await this.#files()) {
      const id = uploadName.exec(name)?.[1];
      if (!id) continue;
      const other = uploads.get(id)?.changedAtMs ?? 0;
      // The description dates from the start of an upload, which may take a day.
      uploads.set(id, { id, changedAtMs: Math.max(changedAtMs, other) });
    }
    yield* uploads.values();
  }

  async removeOld(olderThanMs: number): Promise<void> {
    for (const { name, changedAtMs } of await this.#files()) {
      if (uploadName.test(name) || Date.now() - changedAtMs < olderThanMs) continue;
      await rm(this.#path(name), { force: true });
    }
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  async #files(): Promise<{ name: string; changedAtMs: number }[]> {
    const files = [];
    for (const name of await readdir(this.#folder)) {
      const found = await stat(this.#path(name)).catch(() => undefined);
      if (found?.isFile()) files.push({ name, changedAtMs: found.mtimeMs });
    }
    return files;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/**
 * Creates folders one by one. `mkdir` with `recursive` never returns if the first existing folder
 * allows no subfolder, as in /proc.
 * @throws Error with the name of the folder
 */
async function makeFolders(folder: string): Promise<void> {
  try {
    const missing: string[] = [];
    for (let path = resolve(folder); !(await isThere(path)); path = dirname(path))
      missing.unshift(path);
    for (const path of missing) {
      await mkdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`States cannot be kept in ${dirname(folder)}: ${message}.`, { cause });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
