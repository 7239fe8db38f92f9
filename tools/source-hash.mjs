import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** All inputs of a build of the site, relative to the repository's root. */
const siteSources = [
  'index.html',
  'machine.html',
  'package-lock.json',
  'public',
  'src',
  'tools',
  'vite.config.ts',
  'workers',
];
const isIrrelevant =
  /\.test\.ts$|\.md$|(^|\/)tsconfig\.json$|^tools\/guests\/|^tools\/(checks|docs-site)(\/|$)/;

/**
 * Returns a hash over files and folders, the same on every machine.
 * @param {string} root the repository's root
 * @param {string[]} [paths] relative to the root; all inputs of the site if absent
 * @returns {string} SHA-256, hex
 */
export function sourceHash(root, paths = siteSources) {
  const hash = createHash('sha256');
  for (const path of paths) addTo(hash, root, path);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function addTo(hash, root, path) {
  if (isIrrelevant.test(path)) return;
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addTo(hash, root, `${path}/${name}`);
  } else if (stats) {
    hash.update(`${path}\0${stats.size}\0`).update(readFileSync(join(root, path)));
  }
}
