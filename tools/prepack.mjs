/**
 * Run by `npm pack`: builds the package's files. In a fresh clone it first installs the
 * dependencies, or reports which are missing.
 */
import { bin, ensurePackages, root, run } from './setup.mjs';

try {
  ensurePackages();
  const build = [bin('tsx/dist/cli.mjs'), `${root}/tools/build-library.ts`];
  if (!run(process.execPath, build)) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
