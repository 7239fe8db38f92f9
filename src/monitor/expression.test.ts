import { expect, test } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { evaluate } from './expression.ts';

test.each([
  ['0x7c00', 0x7c00],
  ['64K', 65536],
  ['1m', 1 << 20],
  ['2G', 2 ** 31],
  ['0x10K', 16384],
  ['16*1024+1', 16385],
  ['2+3*4-1', 13],
  ['(2+3)*4', 20],
  ['7/2', 3],
  ['7%4', 3],
  ['-1', -1],
  ['~0&0xff', 255],
  // As in QEMU, the bitwise operators bind more tightly than + and -.
  ['1+2|4', 7],
  ['4+1&1', 5],
])('%s is %d', (text, value) => {
  expect(evaluate(text)).toBe(value);
});

test('registers are named with a dollar', () => {
  const registers = (name: string) => (name === 'esp' ? 0x1000 : undefined);
  expect(evaluate('$esp+4', registers)).toBe(0x1004);
  expect(evaluate('$ESP', registers)).toBe(0x1000);
  expect(() => evaluate('$foo', registers)).toThrow("unknown register '$foo'");
});

test.each([
  ['', 'unexpected end of expression'],
  ['1+', 'unexpected end of expression'],
  ['(1', "')' expected"],
  ['1)', "unexpected ')'"],
  ['1 2', "unexpected '2'"],
  ['zz', "invalid char 'z'"],
  ['0xg', "invalid char 'x'"],
  ['1/0', 'division by zero'],
  ['9999999999999999999', 'is too large'],
])('"%s" is refused', (text, message) => {
  expect(() => evaluate(text)).toThrow(message);
  expect(() => evaluate(text)).toThrow(HoldfastError);
});
