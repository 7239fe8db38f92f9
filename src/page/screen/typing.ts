/** Text as somebody at a US keyboard would type it. No DOM. */
import { breakBytes, makeBytes } from '../../pc/scancodes.ts';

const plainKeys: Record<string, string> = {
  ' ': 'Space',
  '\n': 'Enter',
  '\t': 'Tab',
  '\b': 'Backspace',
  '\x1b': 'Escape',
  '-': 'Minus',
  '=': 'Equal',
  '[': 'BracketLeft',
  ']': 'BracketRight',
  ';': 'Semicolon',
  "'": 'Quote',
  '`': 'Backquote',
  '\\': 'Backslash',
  ',': 'Comma',
  '.': 'Period',
  '/': 'Slash',
};

const shiftedKeys: Record<string, string> = {
  '!': 'Digit1',
  '@': 'Digit2',
  '#': 'Digit3',
  $: 'Digit4',
  '%': 'Digit5',
  '^': 'Digit6',
  '&': 'Digit7',
  '*': 'Digit8',
  '(': 'Digit9',
  ')': 'Digit0',
  _: 'Minus',
  '+': 'Equal',
  '{': 'BracketLeft',
  '}': 'BracketRight',
  ':': 'Semicolon',
  '"': 'Quote',
  '~': 'Backquote',
  '|': 'Backslash',
  '<': 'Comma',
  '>': 'Period',
  '?': 'Slash',
};

/** What word processors put in place of the characters that a keyboard has. */
const look: Record<string, string> = {
  '\u00a0': ' ',
  '\u2018': "'",
  '\u2019': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u2013': '-',
  '\u2014': '-',
};

export interface TypedText {
  /** One array of scan codes a character, presses and releases. */
  strokes: number[][];
  /** Characters that a US keyboard does not have; they are left out. */
  untypable: string[];
}

export function typeText(text: string): TypedText {
  const strokes: number[][] = [];
  const untypable = new Set<string>();
  for (const original of text.replace(/\r\n?/g, '\n')) {
    const character = look[original] ?? original;
    const stroke = strokeOf(character);
    if (stroke) strokes.push(stroke);
    else untypable.add(original);
  }
  return { strokes, untypable: [...untypable] };
}

function strokeOf(character: string): number[] | null {
  if (/^[a-z]$/.test(character)) return tap(`Key${character.toUpperCase()}`);
  if (/^[A-Z]$/.test(character)) return shifted(`Key${character}`);
  if (/^[0-9]$/.test(character)) return tap(`Digit${character}`);
  const plain = plainKeys[character];
  if (plain) return tap(plain);
  const withShift = shiftedKeys[character];
  return withShift ? shifted(withShift) : null;
}

const tap = (code: string): number[] => [...makeBytes(code), ...breakBytes(code)];
const shifted = (code: string): number[] => [
  ...makeBytes('ShiftLeft'),
  ...tap(code),
  ...breakBytes('ShiftLeft'),
];
