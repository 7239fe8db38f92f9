import { expect, test } from 'vitest';
import { blockBytes, sectorBytes } from '../../protocol/disk-piece.ts';
import { rawDisk } from './raw-disk.ts';
import { zeros } from './zeros.ts';

// Node's Blobs end at 4 GiB; e2e/devices/disks.spec.ts exports one of 2 TiB in a browser.
const sizeBytes = 4 * 2 ** 30 - 3 * sectorBytes;

const bytesAt = async (disk: Blob, start: number, length: number) =>
  new Uint8Array(await disk.slice(start, start + length).arrayBuffer());

test('a large disk has what was written to it where it was written, and zeros else', async () => {
  const lastBlock = Math.floor(sizeBytes / blockBytes);
  const pieces = new Map([
    [lastBlock, new Uint8Array(blockBytes).fill(1)],
    [2 ** 18, new Uint8Array(blockBytes).fill(2)],
  ]);
  const disk = rawDisk(new Blob(), sizeBytes, pieces);
  expect(disk.size).toBe(sizeBytes);
  const middle = await bytesAt(disk, 2 ** 18 * blockBytes - 1, blockBytes + 2);
  expect([middle[0], middle[1], middle[blockBytes], middle[blockBytes + 1]]).toEqual([0, 2, 2, 0]);
  const end = await bytesAt(disk, lastBlock * blockBytes - 1, blockBytes);
  expect(end).toEqual(new Uint8Array(blockBytes - 3 * sectorBytes + 1).fill(1).fill(0, 0, 1));
});

test('zeros are as many as were asked for', () => {
  for (const length of [0, 1, 512, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20, sizeBytes])
    expect(zeros(length).size).toBe(length);
});
