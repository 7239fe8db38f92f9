import { expect, test } from 'vitest';
import { keyboardLayouts } from '../protocol/keyboard-layout-names.ts';
import { keysFor, keysOf } from './keyboard-layouts.ts';

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

const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

test.each(keyboardLayouts)(
  '[K5] a %s keyboard types all of ASCII, each in its own way',
  (layout) => {
    const ways = ascii.map((character) => keysFor(character, layout));
    expect(ascii.filter((_, i) => !ways[i])).toEqual([]);
    expect(new Set(ways.map((keys) => JSON.stringify(keys))).size).toBe(95);
  },
);

test.each([
  ['de', 'ñ', undefined],
  ['de', 'é', ['Equal', 'KeyE']],
  ['de', 'à', ['Equal', 'KeyA']],
  ['fr', 'ê', ['BracketLeft', 'KeyE']],
  ['fr', 'ï', ['BracketLeft', 'KeyI']],
  ['es', 'ñ', ['Semicolon']],
  ['es', 'á', ['Quote', 'KeyA']],
  ['it', '{', ['BracketLeft']],
  ['pt-br', 'ã', ['Quote', 'KeyA']],
  ['pt-br', '/', ['IntlRo']],
  ['se', '~', ['BracketRight', 'Space']],
  ['jp', '_', ['IntlRo']],
  ['jp', '@', ['BracketLeft']],
] as const)('[K5] on a %s keyboard %s is made with the keys %j', (layout, character, codes) => {
  expect(keysFor(character, layout)?.map(({ code }) => code)).toEqual(codes);
});
