import { expect, test } from 'vitest';
import { GatedPieces, VersionedPieceMap, VersionedPieceMaps } from './versioned-pieces.ts';

const bytes = (value: number) => Uint8Array.of(value);

test('tells what changed since a generation, deletions included', () => {
  const pieces = new VersionedPieceMap();
  pieces.set(7, bytes(1));
  pieces.set(3, bytes(2));
  const { generation } = pieces;
  expect(pieces.changedSince(generation)).toEqual([]);
  pieces.set(9, bytes(3));
  pieces.delete(3);
  expect(pieces.changedSince(generation)).toEqual([3, 9]);
  expect(pieces.get(3)).toBeUndefined();
  expect(pieces.changedSince(0)).toEqual([3, 7, 9]);
  expect([...pieces.indexes()]).toEqual([7, 9]);
  expect(pieces.size).toBe(2);
});

test('a piece that was changed in place counts once it is set again', () => {
  const pieces = new VersionedPieceMap();
  const piece = bytes(1);
  pieces.set(0, piece);
  const { generation } = pieces;
  piece[0] = 2;
  pieces.set(0, piece);
  expect(pieces.changedSince(generation)).toEqual([0]);
});

test('deleting what is not there changes nothing', () => {
  const pieces = new VersionedPieceMap();
  pieces.delete(5);
  expect(pieces.generation).toBe(0);
  expect(pieces.changedSince(0)).toEqual([]);
});

test('a restore counts as no change, and what comes after it does', () => {
  const pieces = new VersionedPieceMap();
  pieces.set(1, bytes(1));
  pieces.restore([[4, bytes(4)]], 40);
  expect(pieces.generation).toBe(40);
  expect(pieces.changedSince(40)).toEqual([]);
  expect(pieces.changedSince(39)).toEqual([4]);
  expect(pieces.get(1)).toBeUndefined();
  pieces.set(1, bytes(1));
  expect(pieces.generation).toBe(41);
  expect(pieces.changedSince(40)).toEqual([1]);
});

test('pieces of one name are the same pieces', () => {
  const maps = new VersionedPieceMaps();
  maps.of('disk.hda').set(0, bytes(1));
  expect(maps.of('disk.hda').get(0)).toEqual(bytes(1));
  expect(maps.of('disk.hdb').size).toBe(0);
  expect([...maps.names()]).toEqual(['disk.hda', 'disk.hdb']);
});

test('a runtime without the guest reads but does not write', () => {
  const pieces = new VersionedPieceMap();
  let mayWrite = true;
  const gated = new GatedPieces(pieces, () => mayWrite);
  gated.set(0, bytes(1));
  mayWrite = false;
  gated.set(0, bytes(2));
  gated.delete(0);
  expect(gated.get(0)).toEqual(bytes(1));
  expect(gated.generation).toBe(1);
});
