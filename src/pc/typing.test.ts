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

test('what a US keyboard lacks is named, once, and left out', () => {
  expect(typeText('zöö→')).toEqual({ strokes: [[0x2c, 0xac]], untypable: ['ö', '→'] });
});
