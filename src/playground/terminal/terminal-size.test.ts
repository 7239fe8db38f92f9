import { expect, test } from 'vitest';
import { fontSizeFor, usualColumns } from './terminal-size.ts';

test.each([500, 612, 672, 700])('80 columns fit into %d px', (width) => {
  expect(fontSizeFor(width, 0.602, 8) * 0.602 * usualColumns).toBeLessThanOrEqual(width);
});

test('a phone keeps a font that can be read', () => {
  expect(fontSizeFor(370, 0.6, 10)).toBe(10);
});

test('a large display does not blow the font up', () => {
  expect(fontSizeFor(2400, 0.6, 10)).toBe(15);
});
