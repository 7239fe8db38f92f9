/** Installs the tarball of the package in projects outside of this repository. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pack } from '../../tools/pack.mjs';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** @throws Error with all output of the command */
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

/** Installs the tarball, which has no dependencies and needs no registry. */
export async function install(project: string): Promise<void> {
  const offline = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund'];
  const { tarball } = await pack();
  await run(npm, ['install', ...offline, tarball], project);
}
