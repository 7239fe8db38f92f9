import { expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import { HotPages } from './hot-pages.ts';

const contents = (byte: number) => new Uint8Array(pageBytes).fill(byte);
const first = { isAgain: false };
const again = { isAgain: true };

const all = (hot: HotPages) => Array.from(hot.all(), (one) => [one.page, one.contents[0]]);

test('pages that were hinted, and pages that are sent again, are withheld in their last version', () => {
  const hot = new HotPages([5, 9]);
  expect(hot.take(9, contents(1), first)).toBe(true);
  expect(hot.take(4, contents(2), first)).toBe(false);
  expect(hot.take(4, contents(3), again)).toBe(true);
  expect(hot.take(9, contents(4), again)).toBe(true);
  expect(all(hot)).toEqual([
    [4, 3],
    [9, 4],
  ]);
});

test('a page that is uniform now is forgotten, and its room is used again', () => {
  const hot = new HotPages([1, 2, 3]);
  for (const page of [1, 2, 3]) hot.take(page, contents(page), first);
  hot.drop(2);
  hot.drop(7);
  expect(hot.take(8, contents(8), again)).toBe(true);
  expect(all(hot)).toEqual([
    [1, 1],
    [3, 3],
    [8, 8],
  ]);
});

test('no more than 4 MiB are withheld', () => {
  const hot = new HotPages();
  const taken = Array.from({ length: 1500 }, (_, page) => hot.take(page, contents(1), again));
  expect(taken.filter(Boolean).length).toBe(1024);
  expect(hot.take(3, contents(2), again)).toBe(true);
  expect(all(hot)[3]).toEqual([3, 2]);
});
