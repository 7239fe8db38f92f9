/** Contents that `npm publish` sends from a clean checkout, in which nothing was built. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { pack } from '../../tools/pack.mjs';

// Packing takes minutes on a busy computer.
test.setTimeout(600_000);

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | Record<string, string>>;
};

/** Files that the exports of package.json name, without those of a pattern. */
const exported = Object.values(manifest.exports)
  .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
  .filter((path) => !path.includes('*'))
  .map((path) => path.replace(/^\.\//, ''));

test('npm publish builds the package, and sends every file that its exports name', {
  tag: '@slow',
}, async () => {
  const { published } = await pack();
  expect(exported.length).toBeGreaterThan(10);
  expect(exported.filter((path) => !published.includes(path))).toEqual([]);
  for (const part of ['keeper', 'runtime', 'v86.wasm', 'state-worker.js'])
    expect(
      published.filter((path) => path.startsWith('dist-lib/assets/') && path.includes(part)),
    ).not.toEqual([]);
});

test('npm publish sends no sources, tests or tools', { tag: '@slow' }, async () => {
  const { published } = await pack();
  expect(published.filter((path) => /^(src|e2e|tools|workers|docs)\//.test(path))).toEqual([]);
});
