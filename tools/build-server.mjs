/**
 * `npm run build:server [-- DIR]`: builds the state server for production, in dist-server/ by
 * default, as JavaScript with a separate package.json and lock file. `npm ci --omit=dev` there
 * installs its dependencies.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bin, root, run } from './setup.mjs';

/**
 * @param {string} folder is replaced
 * @returns {boolean} whether it was built
 */
export function buildServer(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const project = join(root, 'src/server/tsconfig.dist.json');
  const ok = run(process.execPath, [bin('typescript/bin/tsc'), '-p', project, '--outDir', folder]);
  const package_ = join(root, 'server');
  for (const name of readdirSync(package_)) copyFileSync(join(package_, name), join(folder, name));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return ok;
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? join(root, 'dist-server'));
  if (buildServer(folder)) console.log(`The state server is in ${folder}: npm ci --omit=dev`);
  else process.exitCode = 1;
}
