/** Another project, with the packed library installed and pages of every kind. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { install, run } from './tarball.ts';

export interface Project {
  root: string;
  /** The build: `vite build`'s `dist`. */
  dist: string;
  /** The installed package's folder. */
  package: string;
  remove(): Promise<void>;
}

/** Other packages of such a project. The compiler finds their types there, too. */
const others = [
  'react',
  'react-dom',
  'preact',
  'solid-js',
  '@types/react',
  '@types/react-dom',
  '@types/node',
];

/** Creates a copy of project/, compiled strictly and built. */
export async function makeProject(): Promise<Project> {
  const root = await emptyProject();
  await cp('e2e/package/project', root, { recursive: true });
  await cp('public/guests/linux', join(root, 'public/linux'), { recursive: true });
  await compile(root);
  await run(process.execPath, [resolve('node_modules/vite/bin/vite.js'), 'build'], root);
  return {
    root,
    dist: join(root, 'dist'),
    package: join(root, 'node_modules/holdfast'),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Creates a project with the packages installed and nothing else. */
async function emptyProject(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-project-'));
  const manifest = { name: 'somebody-elses', private: true, type: 'module' };
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest));
  await install(root);
  for (const name of others) {
    const link = join(root, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(resolve('node_modules', name), link);
  }
  return root;
}

/** Compiles with the project's tsconfig.json. @throws Error with the compiler's output */
export function compile(root: string, ...options: string[]): Promise<string> {
  return run(
    process.execPath,
    [resolve('node_modules/typescript/bin/tsc'), '--noEmit', ...options],
    root,
  );
}
