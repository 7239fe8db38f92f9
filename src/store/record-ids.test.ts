import { expect, test } from 'vitest';
import { idsOf, openerOf, runsOf } from './record-ids.ts';

test('openers have ranges of their own, all the way up to the last integer', () => {
  for (const opener of [1, 2, 1000, 2 ** 23 - 1]) {
    const { first, last } = idsOf(opener);
    expect(openerOf(first)).toBe(opener);
    expect(openerOf(last)).toBe(opener);
    expect(first).toBe(idsOf(opener - 1).last + 1);
    expect(Number.isSafeInteger(last)).toBe(true);
  }
});

test('ids are split into runs without being put into another order', () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([4, 5, 6, 9, 3, 4])).toEqual([
    { first: 4, last: 6 },
    { first: 9, last: 9 },
    { first: 3, last: 4 },
  ]);
});
