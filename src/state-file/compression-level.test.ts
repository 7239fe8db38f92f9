import { beforeAll, expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { PagesItem } from '../protocol/state-transfer.ts';
import { compressionLevel } from './compression-level.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import { compressed } from './format/frame.ts';
import { StateWriter } from './state-writer.ts';

const mib = 1 << 20;
let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

test('a small guest, and what is on a base, are made as small as they can be', () => {
  const early = { machineBytes: 128 * mib, writtenBytes: 8 * mib, hasBase: false };
  expect(compressionLevel(mib, early)).toBe(14);
  expect(compressionLevel(mib, { ...early, machineBytes: 512 * mib })).toBe(7);
  expect(compressionLevel(mib, { ...early, writtenBytes: 0, hasBase: true })).toBe(19);
});

test('pages that a reader waits for are small in any file', () => {
  const late = { machineBytes: 2048 * mib, writtenBytes: 900 * mib, hasBase: false };
  expect(compressionLevel(mib, late)).toBe(3);
  expect(compressionLevel(mib, { ...late, isHot: true })).toBe(14);
});

test('a large guest is written fast: what comes after its first part is compressed less', async () => {
  const levels: number[] = [];
  const pages = 70_000;
  const writer = new StateWriter({
    codec,
    head: {
      state: {
        title: 'Large',
        createdAtMs: 0,
        machineId: 'm',
        config: { name: 'Large', memoryMiB: 512, vgaMemoryMiB: 8 },
        v86Version: '0.5.462',
        ranges: [{ block: 'pc.ram', offsetBytes: 0, pages }],
      },
    },
    // The choice of level matters here, not the compressed size.
    compress: async (raw, level) => {
      levels.push(level);
      return compressed(raw.subarray(0, pageBytes).slice(), codec, 1);
    },
    parallel: 2,
    write: async () => {},
  });
  await writer.begin();
  for (let first = 0; first < pages; first += 500) await writer.pages(somePages(first, 500));
  expect(levels[0]).toBe(7);
  expect(levels.at(-1)).toBe(3);
  expect(levels).toEqual([...levels].sort((a, b) => b - a));
});

/** Each is a different one. */
function somePages(first: number, count: number): PagesItem {
  const words = new Uint32Array((count * pageBytes) / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(first * 1024 + i, 2_654_435_761);
  return {
    kind: 'pages',
    numbers: Uint32Array.from({ length: count }, (_, i) => first + i),
    contents: new Uint8Array(words.buffer),
    uniform: new Uint32Array(),
  };
}
