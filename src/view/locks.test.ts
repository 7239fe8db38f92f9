import { expect, test } from 'vitest';
import { locksOf } from './locks.ts';

const pressed = (code: string, ...on: string[]) => ({
  code,
  getModifierState: (key: string) => on.includes(key),
});

test('[K9] a key says how Caps Lock is, one of the number pad how Num Lock is as well', () => {
  expect(locksOf(pressed('KeyA', 'CapsLock', 'NumLock'))).toEqual({ caps: true });
  expect(locksOf(pressed('KeyA'))).toEqual({ caps: false });
  expect(locksOf(pressed('Numpad1', 'NumLock'))).toEqual({ caps: false, num: true });
  // Systems change the state of a lock key at different times.
  expect(locksOf(pressed('CapsLock', 'CapsLock'))).toEqual({});
});
