import { expect, test } from 'vitest';
import { unknownAttributes } from './unknown-attributes.ts';

const known = ['cdrom', 'memorymib', 'autostart', 'hda', 'name'];

test('a misspelt attribute is named with the one that was probably meant', () => {
  expect(unknownAttributes(['cdrm', 'memory-mib', 'hda'], known)).toEqual([
    { name: 'cdrm', meant: 'cdrom' },
    { name: 'memory-mib', meant: 'memorymib' },
  ]);
});

test('an attribute that resembles none is named, too', () => {
  expect(unknownAttributes(['kernel'], known)).toEqual([{ name: 'kernel' }]);
});

test('attributes of HTML, scripts and frameworks are left alone', () => {
  const others = [
    'id',
    'class',
    'data-name',
    'aria-label',
    'onclick',
    '_ngcontent-a',
    'v-if',
    '@x',
  ];
  expect(unknownAttributes(others, known)).toEqual([]);
});
