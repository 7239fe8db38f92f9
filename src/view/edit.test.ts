import { expect, test } from 'vitest';
import { editBetween } from './edit.ts';

test.each([
  [' ', ' a', { removed: [], text: 'a' }],
  [' a', ' ', { removed: ['a'], text: '' }],
  [' ', '', { removed: [' '], text: '' }],
  [' teh', ' the ', { removed: ['e', 'h'], text: 'he ' }],
  [' ls', ' ls', { removed: [], text: '' }],
])('from %j to %j', (before, after, edit) => expect(editBetween(before, after)).toEqual(edit));
