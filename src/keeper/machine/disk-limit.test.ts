import { expect, test } from 'vitest';
import { VersionedPieceMaps } from '../runtimes/versioned-pieces.ts';
import { DiskLimit } from './disk-limit.ts';

const mebi = 2 ** 20;

test('[6] a guest that writes more than its limit is stopped, and may resume by quarters', () => {
  const limit = new DiskLimit(4);
  expect([limit.isReached(4 * mebi), limit.isReached(4 * mebi + 1)]).toEqual([false, true]);
  expect([limit.isReached(5 * mebi), limit.isReached(5 * mebi + 2)]).toEqual([false, true]);
});

test('[6] what a guest had written before it was stored does not stop it', () => {
  const limit = new DiskLimit(4);
  limit.allow(100 * mebi);
  expect([limit.isReached(101 * mebi), limit.isReached(102 * mebi)]).toEqual([false, true]);
});

test('pieces know what they take, in place, deleted and restored', () => {
  let grew = 0;
  const maps = new VersionedPieceMaps(() => grew++);
  const disk = maps.of('disk.hda');
  disk.set(0, new Uint8Array(10));
  disk.set(0, new Uint8Array(10));
  disk.set(1, new Uint8Array(5));
  disk.delete(0);
  disk.delete(7);
  maps.of('9p.files').set(1, new Uint8Array(100));
  expect([maps.bytesOf('disk.'), grew]).toEqual([5, 3]);
  disk.restore([[3, new Uint8Array(8)]], 9);
  expect(maps.bytesOf('disk.')).toBe(8);
});
