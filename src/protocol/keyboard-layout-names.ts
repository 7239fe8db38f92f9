/** Keyboard layouts of guests. Their keys are in src/pc/keyboard-layouts.ts. */
export const keyboardLayouts = [
  'us',
  'gb',
  'de',
  'ch',
  'fr',
  'be',
  'es',
  'it',
  'pt',
  'pt-br',
  'se',
  'no',
  'dk',
  'jp',
] as const;

export type KeyboardLayout = (typeof keyboardLayouts)[number];

export const defaultKeyboardLayout: KeyboardLayout = 'us';

/** Returns true for a layout of this build. A machine of a newer build can have another one. */
export const isKeyboardLayout = (name: unknown): name is KeyboardLayout =>
  keyboardLayouts.some((layout) => layout === name);
