/** A fresh project that installs the packed library, as somebody else would make it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

export interface ViteProject {
  root: string;
  /** The build: `vite build`'s `dist`. */
  dist: string;
  /** What `npm pack` made. */
  tarball: string;
  remove(): Promise<void>;
}

/** @param files by path; HTML files at the top are the pages that are built */
export async function makeViteProject(files: Record<string, string>): Promise<ViteProject> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
  const tarball = await pack(root);
  await writeFiles(root, files);
  await cp('public/guests/linux', join(root, 'public/linux'), { recursive: true });
  // The library has no dependencies: no registry is asked.
  await run(npm, ['install', '--offline', '--no-audit', '--no-fund', tarball], root);
  await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '--noEmit'], root);
  await run(process.execPath, [resolve('node_modules/vite/bin/vite.js'), 'build'], root);
  const remove = () => rm(root, { recursive: true, force: true });
  return { root, dist: join(root, 'dist'), tarball, remove };
}

/** @returns the path of the tarball */
export async function pack(destination: string): Promise<string> {
  // .npmrc lets no scripts run by themselves; this one is our own, and builds what is packed.
  const build = '--ignore-scripts=false';
  await run(npm, ['pack', build, '--pack-destination', destination], resolve('.'));
  const tarball = (await readdir(destination)).find((name) => name.endsWith('.tgz'));
  if (!tarball) throw new Error('npm pack made no tarball.');
  return join(destination, tarball);
}

async function writeFiles(root: string, files: Record<string, string>): Promise<void> {
  const pages = Object.keys(files).filter((name) => name.endsWith('.html'));
  const all = {
    'package.json': JSON.stringify({ name: 'somebody-elses', private: true, type: 'module' }),
    'vite.config.js': `export default { build: { target: 'es2022', rolldownOptions: { input: ${JSON.stringify(pages)} } } };`,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        strict: true,
        lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
        types: [],
      },
      include: ['*.ts'],
    }),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

async function run(command: string, args: string[], cwd: string): Promise<void> {
  try {
    // A cmd file needs a shell.
    await execFileAsync(command, args, { cwd, shell: command.endsWith('.cmd') });
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  }
}
