/**
 * Checks the packed tarball: publint reads its package.json against its files, are-the-types-wrong
 * resolves its types as TypeScript does for its users.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pack } from './pack.mjs';
import { checkBin, ensureChecks, run } from './setup.mjs';

/** A kernel is no module, even if its path in the exports looks like one. */
const notAModule = './assets/guests/linux/bzImage';

ensureChecks();
const { tarball } = await pack();
const lint = await publint();
for (const fault of lint) console.error(`publint: ${fault}`);
const types = run(process.execPath, [
  checkBin('@arethetypeswrong/cli/dist/index.js'),
  tarball,
  // The package has modules only; every Node that it supports can also `require` those.
  ...['--profile', 'esm-only', '--exclude-entrypoints', notAModule],
]);
process.exitCode = lint.length > 0 || !types ? 1 : 0;

async function publint() {
  const { publint: lintPackage } = await import(
    pathToFileURL(checkBin('publint/src/index-node.js')).href
  );
  const { formatMessage } = await import(pathToFileURL(checkBin('publint/src/utils.js')).href);
  const buffer = Uint8Array.from(readFileSync(tarball)).buffer;
  const { messages, pkg } = await lintPackage({ pack: { tarball: buffer }, strict: true });
  const faults = [];
  for (const message of messages) {
    const { actualFilePath } = message.args;
    // publint takes a `//` in a string of a minified file for a comment, and misses the exports after it.
    if (message.code === 'FILE_INVALID_FORMAT' && actualFilePath && isModule(actualFilePath))
      continue;
    faults.push(formatMessage(message, pkg));
  }
  return faults;
}

/**
 * Whether a file of the tarball parses as a module and exports something.
 * @param {string} path
 */
function isModule(path) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-module-'));
  try {
    const member = join('package', path);
    execFileSync('tar', ['-xzf', tarball, '-C', folder, member]);
    const source = readFileSync(join(folder, member), 'utf8');
    // Node reads standard input as a module, without running it.
    execFileSync(process.execPath, ['--input-type=module', '--check'], { input: source });
    return /\bexport\s*\{/.test(source);
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
