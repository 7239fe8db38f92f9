import { expect, test } from 'vitest';
import { idsOf } from './record-ids.ts';
import { unreferenced, withoutKept } from './retention.ts';

test('a record goes when neither the new generation nor the one before has it', () => {
  const dropped = Float64Array.of(1, 2, 3, 4);
  const before = Float64Array.of(2, 5);
  const next = Float64Array.of(5, 4, 6);
  expect(withoutKept(dropped, [before, next])).toEqual([1, 3]);
});

test('the generations to delete are named once and in ascending order', () => {
  expect(withoutKept([9, 3, 9, 1], [])).toEqual([1, 3, 9]);
  expect(withoutKept([], [[1]])).toEqual([]);
});

test('a sweep takes what no generation lists, but nothing of a machine’s present opener', () => {
  const dead = idsOf(1).first;
  const present = idsOf(2).first;
  const stored = [dead, dead + 1, dead + 2, present, present + 1, idsOf(3).first];
  expect(unreferenced(stored, [[dead + 1], [present]], [2])).toEqual([
    dead,
    dead + 2,
    idsOf(3).first,
  ]);
});
