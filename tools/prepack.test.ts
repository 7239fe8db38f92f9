import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let clone: string;

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'holdfast-clone-'));
  await mkdir(join(clone, 'tools'));
  for (const name of await readdir('tools'))
    if (name.endsWith('.mjs')) await copyFile(`tools/${name}`, join(clone, 'tools', name));
  for (const name of ['package.json', 'package-lock.json']) await copyFile(name, join(clone, name));
});
afterAll(() => rm(clone, { recursive: true }));

/** Without a registry: an npm that cannot install. */
const npmWithoutNetwork = `
require('node:fs').writeFileSync(__dirname + '/asked', process.argv.slice(2).join(' '));
process.exitCode = 1;`;

test('packing a clone without packages installs them, and reports where it cannot', async () => {
  const npm = join(clone, 'npm.cjs');
  await writeFile(npm, npmWithoutNetwork);
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ['tools/prepack.mjs'],
      { cwd: clone, env: { ...process.env, npm_execpath: npm } },
      (error, _, said) => resolve({ code: error?.code, stderr: said }),
    );
  });
  expect(await readFile(join(clone, 'asked'), 'utf8')).toBe('ci --ignore-scripts');
  expect([code, stderr]).toEqual([1, 'npm ci failed, see above. It needs an npm registry.\n']);
});

test('npm pack runs it by itself, without a package of ours', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  expect(scripts.prepack).toBe('node tools/prepack.mjs');
});
