import { Decompress } from 'fzstd';
import { expect, test } from 'vitest';
import { loadCodec } from '../share/codec.ts';
import { withSmallWindow, zstdWindowBytes } from './zstd-frame.ts';

const magic = [0x28, 0xb5, 0x2f, 0xfd];

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
  expect(zstdWindowBytes(Uint8Array.from([...magic, ...header]))).toBe(window);
});

test('what is no zstd file has no window', () => {
  expect(zstdWindowBytes(Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0]))).toBeUndefined();
  expect(zstdWindowBytes(new Uint8Array())).toBeUndefined();
});

test('[5] the first block of a frame is read whatever the frame claims', async () => {
  const contents = new Uint8Array(100_000).fill(7);
  const bomb = (await loadCodec()).compress(contents, 3).slice();
  new DataView(bomb.buffer).setUint32(5, 2 ** 31 - 1, true);
  expect(zstdWindowBytes(bomb)).toBe(2 ** 31 - 1);
  const small = withSmallWindow(bomb) as Uint8Array;
  expect(zstdWindowBytes(small)).toBe(256 * 1024);
  let read = 0;
  new Decompress((piece) => {
    read += piece.length;
  }).push(small);
  expect(read).toBe(contents.length);
  expect(withSmallWindow(contents)).toBeUndefined();
});
