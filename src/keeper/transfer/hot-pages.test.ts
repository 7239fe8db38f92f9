import { expect, test } from 'vitest';
import { RecentPages } from '../guest/recent-pages.ts';
import { hotPagesOf } from './hot-pages.ts';

const ranges = [
  { block: 'vga.vram', offsetBytes: 0, pages: 100 },
  { block: 'pc.ram', offsetBytes: 4096, pages: 50 },
];

test('pages that the guest used last are numbered across all ranges', () => {
  const runtime = { recentPages: () => Uint32Array.of(0, 7, 49, 50, 4_000_000_000) };
  expect([...(hotPagesOf(runtime, ranges) ?? [])]).toEqual([100, 107, 149]);
});

test('a runtime of an earlier release names none', () => {
  expect(hotPagesOf({}, ranges)).toBeUndefined();
});

test('[SF12] hot pages are also those that the guest used before its last checkpoints, up to 4 MiB', () => {
  const recent = new RecentPages();
  recent.note(Array.from({ length: 1024 }, (_, page) => page));
  recent.note([0, 2000]);
  const ranges = [{ block: 'pc.ram', offsetBytes: 0, pages: 4096 }];
  const hot = hotPagesOf({ recentPages: () => Uint32Array.of(5000, 6000) }, ranges, recent);
  // The least recent ones have made room.
  expect([...(hot ?? [])].slice(0, 4)).toEqual([0, 4, 5, 6]);
  expect(hot?.at(-1)).toBe(2000);
  expect(hot?.length).toBe(1022);
});
