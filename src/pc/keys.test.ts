import { expect, test } from 'vitest';
import { keyNames, strokesOf } from './keys.ts';

test('keys go down in order and up in the other order', () => {
  expect(strokesOf('ctrl-alt-delete')).toEqual({
    press: [0x1d, 0x38, 0xe0, 0x53],
    release: [0xe0, 0xd3, 0xb8, 0x9d],
  });
});

test('every name that completion offers is a key of a PC', () => {
  for (const name of keyNames) expect(strokesOf(name).press.length, name).toBeGreaterThan(0);
});

test('keys may be scan codes', () => {
  expect(strokesOf('0x1d-0x2e')).toEqual({ press: [0x1d, 0x2e], release: [0xae, 0x9d] });
  expect(strokesOf('0xe053')).toEqual({ press: [0xe0, 0x53], release: [0xe0, 0xd3] });
});

test('a hyphen is a key as well', () => {
  expect(strokesOf('-')).toEqual(strokesOf('minus'));
  expect(strokesOf('ctrl--')).toEqual(strokesOf('ctrl-minus'));
  expect(strokesOf('<')).toEqual(strokesOf('less'));
});

test.each(['foo', 'ctrl-', 'ctrl-foo', '0x80', 'constructor', ''])('"%s" is refused', (keys) => {
  expect(() => strokesOf(keys)).toThrow('invalid parameter');
});
