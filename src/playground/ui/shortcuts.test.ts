import { expect, test } from 'vitest';
import { type KeyPress, LeaveChord, shortcutHelp, shortcutOf } from './shortcuts.ts';

const press = (code: string, more: Partial<KeyPress> = {}): KeyPress => ({
  code,
  ctrlKey: true,
  altKey: true,
  shiftKey: false,
  metaKey: false,
  repeat: false,
  getModifierState: () => false,
  ...more,
});

test('Ctrl+Alt with a letter or digit is a shortcut', () => {
  expect(shortcutOf(press('KeyP'))).toBe('pause');
  expect(shortcutOf(press('Digit2'))).toBe('screen');
});

test('keys without both modifiers, and Ctrl+Alt+F2, go to the guest', () => {
  expect(shortcutOf(press('KeyP', { altKey: false }))).toBeNull();
  expect(shortcutOf(press('KeyP', { shiftKey: true }))).toBeNull();
  expect(shortcutOf(press('F2'))).toBeNull();
  expect(shortcutOf(press('Delete'))).toBeNull();
});

test('AltGr is not Ctrl+Alt', () => {
  expect(shortcutOf(press('KeyM', { getModifierState: () => true }))).toBeNull();
});

test('every shortcut with a letter is in the help', () => {
  for (const key of ['1', '2', '3', 'M', 'P', 'U', 'F', 'H']) {
    expect(shortcutHelp.map(([keys]) => keys)).toContain(`Ctrl+Alt+${key}`);
  }
});

const play = (...steps: string[]): boolean => {
  const chord = new LeaveChord();
  return steps
    .map((step) => {
      if (step.startsWith('+')) chord.keyDown(step.slice(1));
      else if (chord.keyUp(step.slice(1))) return true;
      return false;
    })
    .includes(true);
};

test('Ctrl+Alt alone leaves, in either order and with repeats', () => {
  expect(play('+ControlLeft', '+AltLeft', '-AltLeft')).toBe(true);
  expect(play('+AltLeft', '+ControlRight', '+ControlRight', '-AltLeft')).toBe(true);
});

test('Ctrl+Alt with another key, one of the two, or AltGr does not leave', () => {
  expect(play('+ControlLeft', '+AltLeft', '+Delete', '-Delete', '-AltLeft', '-ControlLeft')).toBe(
    false,
  );
  expect(play('+ControlLeft', '+KeyC', '-KeyC', '+AltLeft', '-AltLeft')).toBe(false);
  expect(play('+ControlLeft', '-ControlLeft')).toBe(false);
  expect(play('+ControlLeft', '+AltRight', '-AltRight', '-ControlLeft')).toBe(false);
});

test('a spoilt chord does not spoil the next', () => {
  expect(
    play('+ControlLeft', '+KeyC', '-KeyC', '-ControlLeft', '+ControlLeft', '+AltLeft', '-AltLeft'),
  ).toBe(true);
});
