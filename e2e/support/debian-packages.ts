/** Real images from Debian's archive, fetched with the system's own apt; nothing is installed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const cache = resolve('node_modules/.cache/holdfast/debian');
const limitMs = 60_000;

/**
 * Reads a file from a package, which is fetched when it is first needed.
 * @returns undefined on a system without apt, or without access to the archive
 */
export async function debianFile(name: string, path: string): Promise<Uint8Array | undefined> {
  const folder = join(cache, name);
  if (!existsSync(folder) && !(await fetchPackage(name, folder))) return undefined;
  return new Uint8Array(await readFile(join(folder, path)));
}

async function fetchPackage(name: string, folder: string): Promise<boolean> {
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, `${name}-`));
  try {
    await download(name, unfinished);
    const deb = (await readdir(unfinished)).find((file) => file.endsWith('.deb'));
    if (!deb) return false;
    await execFileAsync('dpkg', ['-x', deb, '.'], { cwd: unfinished, timeout: limitMs });
    await rename(unfinished, folder);
    return true;
  } catch (thrown) {
    console.warn(`Debian's package ${name} is not available: ${thrown}`);
    return false;
  }
}

async function download(name: string, cwd: string): Promise<void> {
  const get = () => execFileAsync('apt-get', ['download', name], { cwd, timeout: limitMs });
  // A fresh container has no list of packages; root fetches it.
  await get().catch(async (thrown) => {
    if (process.getuid?.() !== 0) throw thrown;
    await execFileAsync('apt-get', ['update'], { timeout: limitMs });
    await get();
  });
}
