/**
 * Builds the site: `npx tsx tools/build-site.ts [--out DIR] [--tag TEXT] [--v86 PACKAGE,...]`.
 *
 * `--tag` and `--v86` make other builds of the same sources, for tests of live updates.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { repositoryRoot } from './site-workers.ts';

const { values } = parseArgs({
  options: { out: { type: 'string' }, tag: { type: 'string' }, v86: { type: 'string' } },
});
// The plugin in vite.config.ts reads these.
if (values.tag !== undefined) process.env.HOLDFAST_BUILD_TAG = values.tag;
if (values.v86 !== undefined) process.env.HOLDFAST_V86_PACKAGES = values.v86;

await build({
  root: repositoryRoot,
  configFile: resolve(repositoryRoot, 'vite.config.ts'),
  build: { outDir: resolve(values.out ?? resolve(repositoryRoot, 'dist')), emptyOutDir: true },
});
