import { expect, test } from 'vitest';
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
