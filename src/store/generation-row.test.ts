import { expect, test } from 'vitest';
import { loadDigest } from './digest.ts';
import { isManifestWhole, isWhole, seal, sizeOf } from './generation-row.ts';
import type { GenerationRow } from './schema.ts';

const digest = await loadDigest();
const manifest = Uint8Array.of(1, 2, 3);

const row = seal(
  {
    machine: 'm',
    number: 3,
    family: 'm',
    takenAtMs: 1000,
    records: Float64Array.of(10, 11),
    sizes: Uint32Array.of(100, 200),
    manifestBytes: 3,
    manifestDigest: digest(manifest),
  },
  digest,
);

test('a sealed row is whole; changed in any field it is not', () => {
  expect(isWhole(row, digest)).toBe(true);
  const changes: Partial<GenerationRow>[] = [
    { machine: 'n' },
    { number: 4 },
    { family: 'n' },
    { takenAtMs: 1001 },
    { records: Float64Array.of(10, 12) },
    { records: Float64Array.of(10) },
    { sizes: Uint32Array.of(100, 201) },
    { manifestBytes: 4 },
    { manifestDigest: 0n },
    { digest: 0n },
  ];
  for (const change of changes) expect(isWhole({ ...row, ...change }, digest)).toBe(false);
});

test('a row of another shape is not whole, and breaks nothing', () => {
  expect(isWhole({ ...row, records: [10, 11] } as never, digest)).toBe(false);
  expect(isWhole({} as never, digest)).toBe(false);
});

test('a manifest is whole when it is the one that was published', () => {
  expect(isManifestWhole(row, manifest, digest)).toBe(true);
  expect(isManifestWhole(row, Uint8Array.of(1, 2, 4), digest)).toBe(false);
  expect(isManifestWhole(row, undefined, digest)).toBe(false);
});

test('a record that two generations share is counted once', () => {
  const next = { ...row, records: Float64Array.of(11, 12), sizes: Uint32Array.of(200, 50) };
  expect(sizeOf([row, next])).toBe(100 + 200 + 50 + 3 + 3);
});
