/**
 * Contents of `npm publish` from a clean checkout, and their tarball. Made once for all checks and tests,
 * in test-results/package.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './setup.mjs';
import { sourceHash } from './source-hash.mjs';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const notOfTheSite = ['package.json', 'tsconfig.base.json', 'tsconfig.library.json', '.npmrc'];

/** @returns {Promise<{ tarball: string, published: string[] }>} a path, and the files' names */
export async function pack() {
  const name = `${sourceHash(root).slice(0, 8)}-${sourceHash(root, notOfTheSite).slice(0, 8)}`;
  const folder = join(root, 'test-results/package');
  const tarball = join(folder, `${name}.tgz`);
  const list = join(folder, `${name}.json`);
  if (!existsSync(tarball)) await make(folder, list, tarball);
  return { tarball, published: JSON.parse(await readFile(list, 'utf8')) };
}

/**
 * @param {string} folder
 * @param {string} list
 * @param {string} tarball
 */
async function make(folder, list, tarball) {
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(join(folder, 'pack-'));
  const checkout = await mkdtemp(join(tmpdir(), 'holdfast-checkout-'));
  try {
    await checkOut(checkout);
    const said = JSON.parse(await run(['publish', '--dry-run', '--json'], checkout));
    const { files } = 'files' in said ? said : said[Object.keys(said)[0] ?? ''];
    const paths = files.map((/** @type {{ path: string }} */ { path }) => path);
    await writeFile(list, JSON.stringify(paths));
    // The build is the one that publishing has just made.
    await run(['pack', '--ignore-scripts', '--pack-destination', unfinished], checkout);
    const [made] = await readdir(unfinished);
    if (!made) throw new Error('npm pack made no tarball.');
    await rename(join(unfinished, made), tarball);
  } finally {
    await rm(checkout, { recursive: true, force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}

/**
 * The files that Git knows, or would take, as they are now. The installed packages are shared.
 * @param {string} target
 */
async function checkOut(target) {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const known = execFileSync('git', list, { cwd: root, encoding: 'utf8' });
  for (const path of known.split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue;
    await cp(join(root, path), join(target, path), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'), 'junction');
}

/**
 * @param {string[]} args of npm
 * @param {string} cwd
 * @returns {Promise<string>}
 */
async function run(args, cwd) {
  try {
    // A cmd file needs a shell.
    const options = { cwd, shell: npm.endsWith('.cmd'), maxBuffer: 1 << 26 };
    return (await promisify(execFile)(npm, args, options)).stdout;
  } catch (thrown) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (
      thrown
    );
    throw new Error(`npm ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  }
}
