/**
 * `npm run docs`: the documentation and the API reference as one site, in dist-docs/. A dead link fails
 * it. The built site is checked under a path that it was not built for.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../setup.mjs';
import { checkSite } from './check-site.mjs';
import { sourceUrlOf, stage } from './stage.mjs';

const here = import.meta.dirname;
const pages = join(here, 'pages');
const modules = join(here, 'node_modules');

rmSync(pages, { recursive: true, force: true });
must([join(modules, 'typedoc/bin/typedoc'), '--options', join(root, 'typedoc.json')]);
stage(root, pages, sourceUrlOf(root));
must([join(modules, 'vitepress/bin/vitepress.js'), 'build', here]);

const faults = await checkSite(join(root, 'dist-docs'));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

/** @param {string[]} args */
function must(args) {
  if (!run(process.execPath, args, { cwd: root })) process.exit(1);
}
