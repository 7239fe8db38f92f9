import { expect, test } from 'vitest';
import { keyboardLayouts, keysOf } from './keyboard-layouts.ts';

test.each(keyboardLayouts)('a %s keyboard types every letter and digit', (layout) => {
  const keys = keysOf(layout);
  for (const character of 'abcxyzABCXYZ0123456789 \n') expect(keys.has(character)).toBe(true);
});

test.each([
  ['us', '|', { code: 'Backslash', modifier: 'ShiftLeft' }],
  ['gb', '#', { code: 'Backslash' }],
  ['gb', '"', { code: 'Digit2', modifier: 'ShiftLeft' }],
  ['gb', '\\', { code: 'IntlBackslash' }],
  ['gb', '€', { code: 'Digit4', modifier: 'AltRight' }],
  ['de', 'y', { code: 'KeyZ' }],
  ['de', '-', { code: 'Slash' }],
  ['de', '_', { code: 'Slash', modifier: 'ShiftLeft' }],
  ['de', '@', { code: 'KeyQ', modifier: 'AltRight' }],
  ['de', '{', { code: 'Digit7', modifier: 'AltRight' }],
  ['de', '\\', { code: 'Minus', modifier: 'AltRight' }],
  ['de', '~', { code: 'BracketRight', modifier: 'AltRight' }],
  ['de', '|', { code: 'IntlBackslash', modifier: 'AltRight' }],
  ['de', 'µ', { code: 'KeyM', modifier: 'AltRight' }],
  ['fr', 'a', { code: 'KeyQ' }],
  ['fr', '1', { code: 'Digit1', modifier: 'ShiftLeft' }],
  ['fr', '@', { code: 'Digit0', modifier: 'AltRight' }],
  ['fr', '#', { code: 'Digit3', modifier: 'AltRight' }],
  ['fr', '€', { code: 'KeyE', modifier: 'AltRight' }],
  ['fr', '!', { code: 'Slash' }],
] as const)('on a %s keyboard %s is made with one key', (layout, character, key) => {
  expect(keysOf(layout).get(character)).toEqual(key);
});
