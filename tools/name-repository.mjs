/**
 * `node tools/name-repository.mjs URL`: writes the repository's addresses into package.json. The release
 * runs it, so that the package names the repository that it is built in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

/**
 * @param {object} manifest
 * @param {string} url of the repository's page
 */
export function withRepository(manifest, url) {
  const page = new URL(url).href.replace(/\/$/, '');
  return {
    ...manifest,
    homepage: `${page}#readme`,
    bugs: { url: `${page}/issues` },
    repository: { type: 'git', url: `git+${page}.git` },
  };
}

if (process.argv[1] === import.meta.filename) {
  const path = join(root, 'package.json');
  const named = withRepository(JSON.parse(readFileSync(path, 'utf8')), process.argv[2] ?? '');
  writeFileSync(path, `${JSON.stringify(named, null, 2)}\n`);
}
