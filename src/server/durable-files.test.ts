/** Data that must survive a power cut: security finding 14. */
import { mkdtemp, open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { moveDurably, removeDurably, writeDurably } from './durable-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-durable-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** Returns the paths of flushed files, and the contents of the folder at each flush. */
async function watchFlushes(): Promise<{ path: string; files: string[] }[]> {
  const file = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(file) as typeof file;
  await file.close();
  const sync = prototype.sync;
  const flushed: { path: string; files: string[] }[] = [];
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: typeof file) {
    const path = (await readlink(`/proc/self/fd/${this.fd}`)).slice(folder.length + 1);
    flushed.push({ path, files: await readdir(join(folder, 'states')).catch(() => []) });
    await sync.call(this);
  });
  return flushed;
}

test.runIf(process.platform === 'linux')(
  'a file is flushed before it gets its name, and its folder after that',
  async () => {
    await writeFile(join(folder, 'upload'), 'content');
    const flushed = await watchFlushes();
    await moveDurably(join(folder, 'upload'), join(folder, 'states/a'));
    expect(flushed).toEqual([
      // The new folder has its name on the disk, too.
      { path: '', files: [] },
      { path: 'upload', files: [] },
      { path: 'states', files: ['a'] },
    ]);
    flushed.length = 0;
    await removeDurably(join(folder, 'states/a'));
    expect(flushed).toEqual([{ path: 'states', files: [] }]);
  },
);

test('a file that is written anew is the old or the new one, never a part', async () => {
  const path = join(folder, 'states/a');
  await writeDurably(path, 'old');
  const file = await open(folder, 'r');
  const prototype = Object.getPrototypeOf(file) as typeof file;
  await file.close();
  vi.spyOn(prototype, 'writeFile').mockImplementation(async function (this: typeof file) {
    await this.write('ne');
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  });
  await expect(writeDurably(path, 'new')).rejects.toThrow('no space');
  vi.restoreAllMocks();
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(join(folder, 'states'))).toEqual(['a']);
  await writeDurably(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
});
