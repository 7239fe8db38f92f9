import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBrowser } from './browser.mjs';
import { findFirefox, noFirefox } from './firefox.mjs';
import { findRedis, noRedis } from './redis.mjs';
import { sourceHash } from './source-hash.mjs';

export { findBrowser };

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the packages unless node_modules already matches package-lock.json. */
export function ensurePackages() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Holdfast needs Node 20.19 or newer, this is ${process.version}.`);
  }
  install('.');
}

/** Installs the tools of the gate, which are apart because each brings an older TypeScript. */
export function ensureChecks() {
  install('tools/checks');
}

export function ensureDocsSite() {
  install('tools/docs-site');
}

/** @param {string} folder of a package.json and its lock, relative to the root */
function install(folder) {
  if (isInstalled(folder)) return;
  console.log(`Installing packages of ${folder} (npm ci) ...`);
  // Under `npm start` npm names itself here; a bare `npm` is a script that Windows cannot spawn.
  const npm = process.env.npm_execpath;
  // `npm pack --ignore-scripts=false` would hand that on to every package.
  const ci = ['ci', '--ignore-scripts'];
  const [command = '', ...args] = npm ? [process.execPath, npm, ...ci] : ['npm', ...ci];
  const shell = !npm && process.platform === 'win32';
  const ok = run(command, args, { cwd: join(root, folder), shell });
  if (!ok || !isInstalled(folder)) {
    throw new Error('npm ci failed, see above. It needs an npm registry.');
  }
}

/** @param {string} folder */
function isInstalled(folder) {
  const installed = readPackages(`${folder}/node_modules/.package-lock.json`);
  if (!installed) return false;
  // Packages for other systems are in the lock file and rightly not on disk.
  return Object.entries(readPackages(`${folder}/package-lock.json`) ?? {}).every(
    ([path, { version, optional }]) =>
      path === '' || (installed[path] ? installed[path].version === version : optional),
  );
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version: string, optional?: boolean }> | undefined}
 */
function readPackages(lockFile) {
  const path = join(root, lockFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

/**
 * Finds a Chromium, or installs one: with Playwright, otherwise with apt as root on Debian and
 * Ubuntu.
 * @returns {string} the path of its executable
 */
export function ensureBrowser() {
  return findBrowser() ?? installBrowser();
}

function installBrowser() {
  console.log('Found no Chromium, installing one ...');
  run(process.execPath, [bin('@playwright/test/cli.js'), 'install', 'chromium']);
  if (!findBrowser() && existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // A list that cannot be fetched (from a mirror during its own update) may not matter.
    run('apt-get', ['update'], { env });
    run('apt-get', ['install', '-y', 'chromium'], { env });
  }
  const browser = findBrowser();
  if (browser) return browser;
  throw new Error(
    'No Chromium found, and none could be installed. Install Google Chrome or Chromium, or set ' +
      'HOLDFAST_CHROMIUM to the path of its executable.',
  );
}

/**
 * Finds a Firefox, or installs Debian's with apt as root. Without one, the tests that need it are
 * skipped and report that.
 */
export function ensureFirefox() {
  if (findFirefox()) return;
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    console.log('Found no Firefox, installing one ...');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update'], { env });
    run('apt-get', ['install', '-y', 'firefox-esr'], { env });
  }
  if (!findFirefox()) {
    console.warn(`${noFirefox} Its tests are skipped.`);
  }
}

/**
 * Finds a Redis server, or installs Debian's with apt as root. Tests of several processes of the
 * state server need it. Without one they are skipped and report that.
 */
export function ensureRedis() {
  if (findRedis()) return;
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    console.log('Found no Redis, installing one ...');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update'], { env });
    run('apt-get', ['install', '-y', 'redis-server'], { env });
  }
  if (!findRedis()) console.warn(`${noRedis} Its tests are skipped.`);
}

/** Builds the site into dist/ unless it contains a build of the current sources. */
export function ensureBuild() {
  const manifest = join(root, 'dist/build.json');
  const isFresh =
    existsSync(manifest) &&
    JSON.parse(readFileSync(manifest, 'utf8')).sourceHash === sourceHash(root);
  if (!isFresh && !run(process.execPath, buildCommand)) throw new Error('The build failed.');
}

/**
 * Returns the path of a package's command line, so that it runs without a shell and npx.
 * @param {string} path relative to node_modules
 */
export function bin(path) {
  return join(root, 'node_modules', path);
}

/**
 * The path of a command line of the gate's tools.
 * @param {string} path relative to the node_modules of tools/checks
 */
export function checkBin(path) {
  return join(root, 'tools/checks/node_modules', path);
}

/** Arguments to Node for `npm run build`. */
export const buildCommand = [bin('tsx/dist/cli.mjs'), join(root, 'tools/build-site.ts')];

/**
 * Runs a command at the root; its output goes to this process's output.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {boolean} whether it succeeded
 */
export function run(command, args, options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status === 0;
}
