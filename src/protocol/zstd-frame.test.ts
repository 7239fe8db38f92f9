import { Decompress } from 'fzstd';
import { expect, test } from 'vitest';
import { loadCodec } from '../state-file/format/codec.ts';
import { largestZstdWindow, withSmallWindow } from './zstd-frame.ts';

const magic = [0x28, 0xb5, 0x2f, 0xfd];
/** Without contents. */
const lastBlock = [1, 0, 0];

test.each([
  ['2 GiB', [0x00, 21 << 3], 2 ** 31],
  ['8 MiB', [0x00, 13 << 3], 2 ** 23],
  ['an eighth more', [0x00, (13 << 3) | 1], 2 ** 23 + 2 ** 20],
  ['contents of 200 bytes', [0x20, 200], 200],
  ['contents of 1,256 bytes', [0x60, 1000 & 255, 1000 >> 8], 1256],
  ['contents of 2 GiB', [0xa0, 0, 0, 0, 0x80], 2 ** 31],
  ['contents after a dictionary id', [0xa3, 1, 2, 3, 4, 0, 0, 0, 1], 2 ** 24],
  ['too little to say', [0xe0, 1], undefined],
])('[5] a zstd file says how much of it its reader holds: %s', (_, header, window) => {
  expect(largestZstdWindow(Uint8Array.from([...magic, ...header, ...lastBlock]))).toBe(window);
});

test('a file that is no zstd file has no window', () => {
  expect(largestZstdWindow(Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0]))).toBeUndefined();
});

/** Its contents are 5 bytes uncompressed and 70,000 equal ones, with a checksum. */
const blocks = [5 << 3, 0, 0, 1, 2, 3, 4, 5, 0x83, 0x8b, 0x08, 7];
const sound = [...magic, 0x04, 8 << 3, ...blocks, 1, 2, 3, 4];
const skippable = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
const greedy = [...magic, 0x00, 21 << 3, ...lastBlock];

test.each([
  ['the second', [...sound, ...greedy]],
  ['the first', [...greedy, ...sound]],
  ['one behind what is skipped', [...skippable, ...greedy]],
  ['the last of many', [...sound, ...sound, ...skippable, ...sound, ...greedy, ...skippable]],
])('[5] the largest window is found in any frame: %s', (_, file) => {
  expect(largestZstdWindow(Uint8Array.from(file))).toBe(2 ** 31);
});

test.each([
  ['a block of no known kind', [...magic, 0x00, 8 << 3, 7, 0, 0]],
  ['a block that is cut off', [...magic, 0x00, 8 << 3, (5 << 3) | 1, 0, 0, 1, 2]],
  ['a checksum that is cut off', sound.slice(0, -1)],
  ['something else behind the frame', [...sound, 0]],
  ['more skipped than there is', [...sound, ...skippable.slice(0, -1)]],
])('[5] a file is not hopped through that has %s', (_, file) => {
  expect(largestZstdWindow(Uint8Array.from(file))).toBeUndefined();
});

test("[5] the first block of a frame is read, regardless of the frame's claims", async () => {
  const contents = new Uint8Array(100_000).fill(7);
  const bomb = (await loadCodec()).compress(contents, 3).slice();
  new DataView(bomb.buffer).setUint32(5, 2 ** 31 - 1, true);
  expect(largestZstdWindow(bomb)).toBe(2 ** 31 - 1);
  const small = withSmallWindow(bomb) as Uint8Array;
  expect(largestZstdWindow(small)).toBe(256 * 1024);
  let read = 0;
  new Decompress((piece) => {
    read += piece.length;
  }).push(small);
  expect(read).toBe(contents.length);
  expect(withSmallWindow(contents)).toBeUndefined();
});
