import { expect, test } from 'vitest';
import { type InputMethodKey, keyUnderInputMethod } from './input-method.ts';

const pressed = (code: string, more: Partial<InputMethodKey> = {}): InputMethodKey => ({
  type: 'keydown',
  keyCode: 229,
  code,
  isComposing: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  shiftKey: false,
  timeStamp: 1000,
  ...more,
});
const plain = (event: InputMethodKey, composedAtMs = 0) => keyUnderInputMethod(event, composedAtMs);

test('[K8] Esc and Ctrl with a letter are keys of their own under an input method', () => {
  expect(plain(pressed('Escape'))).toEqual({ key: 'Escape', keyCode: 27 });
  expect(plain(pressed('KeyC', { ctrlKey: true }))).toEqual({ key: 'c', keyCode: 67 });
  expect(plain(pressed('KeyJ', { ctrlKey: true }))).toEqual({ key: 'j', keyCode: 74 });
  expect(plain(pressed('BracketLeft', { ctrlKey: true }))).toEqual({ key: '[', keyCode: 219 });
});

test('[K8] what the input method works on is left to it', () => {
  expect(plain(pressed('Escape', { isComposing: true }))).toBeUndefined();
  expect(plain(pressed('KeyC'))).toBeUndefined();
  expect(plain(pressed('Enter'))).toBeUndefined();
  expect(plain(pressed('Space', { ctrlKey: true }))).toBeUndefined();
  expect(plain(pressed('Escape'), 990), 'it ended the composition').toBeUndefined();
});

test('[K8] without an input method nothing is done', () => {
  expect(plain(pressed('Escape', { keyCode: 27 }))).toBeUndefined();
});
