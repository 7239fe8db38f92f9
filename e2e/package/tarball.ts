/** What `npm pack` makes of the sources as they are: made once, for every test that wants it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sourceHash } from '../../tools/source-hash.mjs';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const root = resolve('.');
const notOfTheSite = ['package.json', 'tsconfig.base.json', 'tsconfig.library.json', '.npmrc'];

/** @returns the path of the tarball */
async function tarball(): Promise<string> {
  const name = `${sourceHash(root).slice(0, 8)}-${sourceHash(root, notOfTheSite).slice(0, 8)}.tgz`;
  const folder = join(root, 'test-results/package');
  const packed = join(folder, name);
  if (existsSync(packed)) return packed;
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(join(folder, 'pack-'));
  // .npmrc lets no scripts run by themselves; this one is our own, and builds what is packed.
  const args = ['pack', '--ignore-scripts=false', '--pack-destination', unfinished];
  await run(npm, args, root);
  const [made] = await readdir(unfinished);
  if (!made) throw new Error('npm pack made no tarball.');
  await rename(join(unfinished, made), packed);
  await rm(unfinished, { recursive: true });
  return packed;
}

/** @throws Error with everything that the command said */
export async function run(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  try {
    // A cmd file needs a shell.
    const options = { cwd, env, shell: command.endsWith('.cmd'), maxBuffer: 1 << 26 };
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  }
}

/** Installs the tarball, which has no dependencies: no registry is asked. */
export async function install(project: string): Promise<void> {
  const offline = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund'];
  await run(npm, ['install', ...offline, await tarball()], project);
}
