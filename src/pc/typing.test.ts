import { expect, test } from 'vitest';
import { typeText } from './typing.ts';

test('letters, digits and signs become presses and releases', () => {
  expect(typeText('aA1!').strokes).toEqual([
    [0x1e, 0x9e],
    [0x2a, 0x1e, 0x9e, 0xaa],
    [0x02, 0x82],
    [0x2a, 0x02, 0x82, 0xaa],
  ]);
});

test('every printable ASCII character can be typed', () => {
  const ascii = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('');
  const { strokes, untypable } = typeText(ascii);
  expect(untypable).toEqual([]);
  expect(new Set(strokes.map((stroke) => stroke.join())).size).toBe(95);
});

test('any line ending is one Enter', () => {
  expect(typeText('\r\n\n\r').strokes).toEqual(Array(3).fill([0x1c, 0x9c]));
});

test('typographic quotes are typed as what a keyboard has', () => {
  expect(typeText('“’').strokes).toEqual(typeText(`"'`).strokes);
});

test('characters that a US keyboard lacks are named, once, and left out', () => {
  expect(typeText('zöö→')).toEqual({ strokes: [[0x2c, 0xac]], untypable: ['ö', '→'] });
});

test('[K5] text for a German guest is typed with the keys of a German keyboard, dead keys too', () => {
  const { strokes, untypable } = typeText('Zy{ßê^', 'de');
  expect(untypable).toEqual([]);
  const altGr = (code: number) => [0xe0, 0x38, code, code | 0x80, 0xe0, 0xb8];
  const tap = (code: number) => [code, code | 0x80];
  expect(strokes).toEqual([
    [0x2a, 0x15, 0x95, 0xaa],
    tap(0x2c),
    altGr(0x08),
    tap(0x0c),
    tap(0x29),
    tap(0x12),
    tap(0x29),
    tap(0x39),
  ]);
});

test('[K5] an accent that comes apart from its letter is typed as one character', () => {
  expect(typeText('e\u0301', 'fr')).toEqual(typeText('é', 'fr'));
});

test('[K7] what is drawn as one character is named as one', () => {
  expect(typeText('ok 👍🏽 👍🏽!').untypable).toEqual(['👍🏽']);
});
