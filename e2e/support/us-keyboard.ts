/** Keys of a US keyboard that make a character, by `KeyboardEvent.code`. */

const rows: [plain: string, shifted: string, codes: string[]][] = [
  [
    '`1234567890-=',
    '~!@#$%^&*()_+',
    ['Backquote', ...[...'1234567890'].map((digit) => `Digit${digit}`), 'Minus', 'Equal'],
  ],
  [
    'abcdefghijklmnopqrstuvwxyz',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => `Key${letter}`),
  ],
  ['[]\\', '{}|', ['BracketLeft', 'BracketRight', 'Backslash']],
  [";'", ':"', ['Semicolon', 'Quote']],
  [',./', '<>?', ['Comma', 'Period', 'Slash']],
];

const keys = new Map<string, { code: string; shift: boolean }>([
  [' ', { code: 'Space', shift: false }],
  ['\n', { code: 'Enter', shift: false }],
  ['\t', { code: 'Tab', shift: false }],
]);
for (const [plain, shifted, codes] of rows) {
  for (const [index, code] of codes.entries()) {
    keys.set(plain.charAt(index), { code, shift: false });
    keys.set(shifted.charAt(index), { code, shift: true });
  }
}

export function keyFor(character: string): { code: string; shift: boolean } {
  const key = keys.get(character);
  if (!key) throw new Error(`A US keyboard has no key for ${JSON.stringify(character)}`);
  return key;
}
