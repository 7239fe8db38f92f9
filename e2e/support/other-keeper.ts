/** Other builds of the keeper: the same script with another id. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from './test.ts';

const textFile = /\.(js|json|html)$/;

/**
 * Puts another build of the keeper at the site's address. Pages stay as they are.
 * @returns its id
 */
export async function putOtherKeeper(site: Site, number: number): Promise<string> {
  const { keeperBuild } = JSON.parse(await readFile('dist/build.json', 'utf8'));
  const script = await readFile('dist/keeper.js', 'utf8');
  await site.put('keeper.js', script.replace(keeperBuild, otherBuild(number)));
  return otherBuild(number);
}

const otherBuild = (number: number) => number.toString(16).padStart(16, '0');

/** Returns a folder with another build of the whole site, whose pages know the other keeper. */
export async function otherSite(root: string, number: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-keeper-'));
  const { keeperBuild } = JSON.parse(await readFile(join(root, 'build.json'), 'utf8'));
  await cp(root, folder, { recursive: true });
  const files = await readdir(folder, { recursive: true });
  for (const file of files.filter((name) => textFile.test(name) && !name.startsWith('guests'))) {
    const text = await readFile(join(folder, file), 'utf8');
    if (text.includes(keeperBuild))
      await writeFile(join(folder, file), text.replaceAll(keeperBuild, otherBuild(number)));
  }
  return folder;
}

export const removeSite = (folder: string) => rm(folder, { recursive: true });
