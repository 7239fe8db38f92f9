import { expect, test } from 'vitest';
import { editBetween } from './edit.ts';

test.each([
  [' ', ' a', { backspaces: 0, text: 'a' }],
  [' a', ' ', { backspaces: 1, text: '' }],
  [' ', '', { backspaces: 1, text: '' }],
  [' teh', ' the ', { backspaces: 2, text: 'he ' }],
  [' ls', ' ls', { backspaces: 0, text: '' }],
])('from %j to %j', (before, after, edit) => expect(editBetween(before, after)).toEqual(edit));
