import { expect, test } from 'vitest';
import type { DiskIdentity } from '../../protocol/cpr.ts';
import { checkDisks } from './identity.ts';

const disk: DiskIdentity = {
  device: 'hda',
  sizeBytes: 1 << 20,
  base: 'https://example.org/disk.img',
  baseDigest: 'etag:"a"',
  generation: 12,
};

test.each<[string, Partial<DiskIdentity>]>([
  ['size', { sizeBytes: 2 << 20 }],
  ['digest', { baseDigest: 'etag:"b"' }],
  ['overlay generation', { generation: 13 }],
])('a disk of another %s is refused, and both are named', (_, difference) => {
  const other = { ...disk, base: 'https://example.org/other.img', ...difference };
  expect(() => checkDisks([disk], [other])).toThrow(
    expect.objectContaining({
      code: 'wrong-disk',
      message: expect.stringMatching(/disk\.img.*12 writes.*other\.img/),
    }),
  );
});

test('without a digest the base tells disks apart', () => {
  const { baseDigest: _, ...nameless } = disk;
  checkDisks([nameless], [{ ...nameless }]);
  expect(() => checkDisks([nameless], [{ ...nameless, base: 'empty' }])).toThrow(
    expect.objectContaining({ code: 'wrong-disk' }),
  );
});

test('the same bytes from elsewhere are the same disk', () => {
  checkDisks([disk], [{ ...disk, base: 'https://mirror.example.org/disk.img' }]);
});

test.each([
  ['a drive that is empty now', [disk], []],
  ['a drive that was empty', [], [disk]],
])('%s is another machine', (_, wanted, present) => {
  expect(() => checkDisks(wanted, present)).toThrow(
    expect.objectContaining({ code: 'wrong-disk', message: expect.stringContaining('nothing in') }),
  );
});
