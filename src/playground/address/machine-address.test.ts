import { expect, test } from 'vitest';
import { addressOf } from './machine-address.ts';

test('the default machine has the plain address', () => {
  expect(addressOf('default', 'https://example.org/pc/?m=256#x')).toBe('https://example.org/pc/');
});

test('every other machine has one of its own', () => {
  expect(addressOf('a1-b2', 'https://example.org/pc/index.html')).toBe(
    'https://example.org/pc/?machine=a1-b2',
  );
});
