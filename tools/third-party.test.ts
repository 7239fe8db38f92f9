import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './setup.mjs';

/** Installed beside the package, not bundled with it. */
const peers = ['@playwright/test'];

const isShipped = (path: string) =>
  /\.tsx?$/.test(path) && !/\.test\.|\.d\.ts$|\/testing\/|^src\/server\//.test(path);

/** Packages that a module imports; types leave no trace in a bundle. */
function packagesOf(source: string): string[] {
  const imports =
    /^(?:import|export) (?!type )(?:[^;']* from )?'([^'.][^']*)'|import\('([^'.][^']*)'\)/gm;
  return Array.from(source.matchAll(imports), ([, from, lazily]) => from ?? lazily ?? '')
    .filter((name) => !/^(node|virtual):/.test(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
    .map((name) => name.replace(/^v86-package$/, 'v86'));
}

test('THIRD-PARTY.md lists every package that the site and the library bring along', () => {
  const list = ['ls-files', 'src', 'workers'];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  const shipped = paths
    .filter(isShipped)
    .flatMap((path) => packagesOf(readFileSync(join(root, path), 'utf8')))
    .filter((name) => !peers.includes(name));
  const text = readFileSync(join(root, 'THIRD-PARTY.md'), 'utf8');
  const listed = Array.from(text.matchAll(/\| npm (.*) \|$/gm), ([, names = '']) =>
    Array.from(names.matchAll(/`([^`]+)`/g), ([, name]) => name),
  ).flat();
  expect(listed.sort()).toEqual([...new Set(shipped)].sort());
});
