import { expect, test } from 'vitest';
import { buildSiteWorkers } from './site-workers.ts';

// The first build of a checkout transforms every v86.wasm.
const timeout = 180_000;

test('a tag makes another build of the same sources, with the same keeper', {
  timeout,
}, async () => {
  const packages = ['v86'];
  const plain = await buildSiteWorkers({ packages });
  const again = await buildSiteWorkers({ packages });
  const tagged = await buildSiteWorkers({ packages, tag: 'next' });

  expect(again.manifest).toEqual(plain.manifest);
  expect(tagged.manifest.buildId).not.toBe(plain.manifest.buildId);
  expect(tagged.manifest.runtimes[0]?.id).not.toBe(plain.manifest.runtimes[0]?.id);
  expect(tagged.manifest.runtimes[0]?.wasmSha256).toBe(plain.manifest.runtimes[0]?.wasmSha256);
  expect(tagged.files.get('keeper.js')).toBe(plain.files.get('keeper.js'));
});

test('every file that the manifest names is there', { timeout }, async () => {
  const { manifest, files } = await buildSiteWorkers();
  const named = manifest.runtimes.flatMap(({ url, wasmUrl }) => [url, wasmUrl]);
  for (const path of [manifest.keeperUrl, ...named]) {
    expect(files.has(path), path).toBe(true);
  }
});
