/**
 * `npm run bench -- NAME [--json FILE]`: runs e2e/bench/NAME.ts over a fresh build.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bin, ensureBrowser, ensureBuild, ensurePackages, root, run } from './setup.mjs';

const folder = join(root, 'e2e/bench');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

const [name, ...args] = process.argv.slice(2);
if (name && names.includes(name)) {
  ensurePackages();
  ensureBuild();
  const env = { ...process.env, HOLDFAST_CHROMIUM: ensureBrowser() };
  const ok = run(process.execPath, [bin('tsx/dist/cli.mjs'), join(folder, `${name}.ts`), ...args], {
    env,
  });
  process.exitCode = ok ? 0 : 1;
} else {
  console.error(name ? `There is no benchmark "${name}".` : 'Which benchmark?');
  console.error(`npm run bench -- NAME [--json FILE]\nNAME: ${names.join(', ') || '(none yet)'}`);
  process.exitCode = 2;
}
