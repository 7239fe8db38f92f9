import { expect, test } from 'vitest';
import { fakeConfig } from '../testing/fake-runtime.ts';
import { limitOf } from './stream-limits.ts';

const config = {
  ...fakeConfig,
  filesystem9p: true,
  hda: { emptyBytes: 1 << 20 },
  fda: { url: 'https://site.test/a.img' },
};

test('[5] a machine has the streams of its consoles, drives and share', () => {
  for (const stream of [
    'console.serial0',
    'console.virtio-console0',
    'pieces.disk.hda',
    'pieces.disk.fda.xxh64:0123456789abcdef',
    'pieces.disk.fdb.xxh64:0123456789abcdef',
    'pieces.disk.cdrom',
    'pieces.9p.files',
  ])
    expect(limitOf(stream, config).blobBytes).toBeGreaterThan(0);
  expect(limitOf('pieces.disk.hda', config)).toMatchObject({ count: 256 });
});

test.each([
  '',
  'x',
  'console.',
  'console.serial4',
  'console.../../x',
  'pieces.',
  'pieces.disk.hdb',
  'pieces.disk.hda.xxh64:0123456789abcdef',
  'pieces.disk.fda.../../x',
  'pieces.disk.__proto__',
  'pieces.9p.files.x',
  'pieces.../../x',
])('[5] [13] a state brings no stream that its machine cannot have: %j', (stream) => {
  expect(() => limitOf(stream, config)).toThrow(
    expect.objectContaining({ code: 'bad-state-file' }),
  );
});

test('[5] a machine without a share has none', () => {
  const without = { ...config, filesystem9p: false };
  expect(() => limitOf('pieces.9p.files', without)).toThrow();
});
