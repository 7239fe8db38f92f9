import { expect, test } from 'vitest';
import { KeysDown, keysIn, makeOf, releaseOf } from './scan-codes.ts';

test('scan codes are cut between keys, never within one', () => {
  expect(keysIn([0x1e, 0x9e, 0xe0, 0x38, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0xe0])).toEqual([
    [0x1e],
    [0x9e],
    [0xe0, 0x38],
    [0xe1, 0x1d, 0x45],
    [0xe1, 0x9d, 0xc5],
    [0xe0],
  ]);
});

test('the keys that are down are known from the scan codes alone', () => {
  const down = new KeysDown();
  const note = (...codes: number[]) => keysIn(codes).map((key) => down.note(key));
  expect(note(0x2a, 0x2a, 0xe0, 0x38, 0x10, 0x90)).toEqual([true, false, true, true, false]);
  expect(down.makes()).toEqual([0x2a, 0xe038]);
  expect(releaseOf(down.makes())).toEqual([0xe0, 0xb8, 0xaa]);
  // Pause releases itself, and releasing a key that is up changes nothing.
  note(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x9e);
  expect(down.makes()).toEqual([0x2a, 0xe038]);
  note(0xaa, 0xe0, 0xb8);
  expect(down.size).toBe(0);
});

test('the right Alt is another key than the left one', () => {
  expect(makeOf([0x38])).toBe(0x38);
  expect(makeOf([0xe0, 0xb8])).toBe(0xe038);
});
