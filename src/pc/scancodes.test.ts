import { expect, test } from 'vitest';
import { PressedKeys } from './pressed-keys.ts';
import { breakBytes, makeBytes } from './scancodes.ts';

test.each([
  ['KeyA', [0x1e], [0x9e]],
  ['Enter', [0x1c], [0x9c]],
  ['NumpadEnter', [0xe0, 0x1c], [0xe0, 0x9c]],
  ['ArrowUp', [0xe0, 0x48], [0xe0, 0xc8]],
  ['AltRight', [0xe0, 0x38], [0xe0, 0xb8]],
  ['PrintScreen', [0xe0, 0x37], [0xe0, 0xb7]],
  ['IntlBackslash', [0x56], [0xd6]],
  ['Pause', [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5], []],
])('%s has its set 1 codes', (code, make, release) => {
  expect(makeBytes(code)).toEqual(make);
  expect(breakBytes(code)).toEqual(release);
});

test('no two of the main keys share a code', () => {
  const keys = [
    ...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('').map((letter) => `Key${letter}`),
    ...'0123456789'.split('').flatMap((digit) => [`Digit${digit}`, `Numpad${digit}`]),
    ...Array.from({ length: 24 }, (_, index) => `F${index + 1}`),
  ];
  expect(new Set(keys.map((key) => makeBytes(key).join())).size).toBe(keys.length);
});

test('a key that a PC does not have sends nothing', () => {
  const keys = new PressedKeys();
  expect(keys.press('Fn')).toEqual([]);
  expect(keys.release('Fn')).toEqual([]);
});

test('losing the keyboard releases every key, the last pressed first', () => {
  const keys = new PressedKeys();
  keys.press('ControlLeft');
  keys.press('ArrowUp');
  keys.press('ArrowUp');
  keys.press('Pause');
  expect(keys.releaseAll()).toEqual([0xe0, 0xc8, 0x9d]);
  expect(keys.releaseAll()).toEqual([]);
});

test('a release without its press is not passed on', () => {
  expect(new PressedKeys().release('Tab')).toEqual([]);
});
