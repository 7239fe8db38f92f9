import { expect, test } from 'vitest';
import { placesInUse } from './place.ts';

const cases: [string, string[], ReturnType<typeof placesInUse>][] = [
  ['without buckets', ['other'], { first: 0, others: [], kept: [], next: 1 }],
  ['with a copy', ['holdfast-1'], { first: 0, copy: 1, others: [], kept: [], next: 2 }],
  [
    'after the first place failed',
    ['holdfast-1', 'holdfast-2', 'holdfast-2-ready', 'holdfast-3'],
    { first: 2, copy: -1, others: [3, 1], kept: [], next: 4 },
  ],
  [
    'after the copy took over',
    ['holdfast-1', 'holdfast-1-ready'],
    { first: 1, copy: -1, others: [], kept: [], next: 2 },
  ],
  [
    'while a new place is made ready',
    ['holdfast-1', 'holdfast-2'],
    { first: 0, copy: 2, others: [1], kept: [], next: 3 },
  ],
  [
    'with a replaced place that nobody could read',
    ['holdfast-1', 'holdfast-1-kept', 'holdfast-2', 'holdfast-3', 'holdfast-3-ready'],
    { first: 3, copy: -1, others: [2], kept: [1], next: 4 },
  ],
  [
    'with a marker left of a deleted place',
    ['holdfast-4-ready'],
    { first: 0, others: [], kept: [], next: 5 },
  ],
];

for (const [when, buckets, expected] of cases) {
  test(`[F3] the first place, its copy and old ones are known by name: ${when}`, () => {
    expect(placesInUse(buckets)).toEqual(expected);
  });
}
