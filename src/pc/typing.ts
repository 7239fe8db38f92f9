/** Text as somebody at a keyboard would type it. No DOM. */
import { type KeyboardLayout, keysOf, type LayoutKey } from './keyboard-layouts.ts';
import { breakBytes, makeBytes } from './scancodes.ts';

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
  /** Characters that the keyboard does not have; they are left out. */
  untypable: string[];
}

export function typeText(text: string, layout: KeyboardLayout = 'us'): TypedText {
  const keys = keysOf(layout);
  const strokes: number[][] = [];
  const untypable = new Set<string>();
  for (const original of text.replace(/\r\n?/g, '\n')) {
    const key = keys.get(original) ?? keys.get(look[original] ?? '');
    if (key) strokes.push(strokeOf(key));
    else untypable.add(original);
  }
  return { strokes, untypable: [...untypable] };
}

function strokeOf({ code, modifier }: LayoutKey): number[] {
  const tap = [...makeBytes(code), ...breakBytes(code)];
  return modifier ? [...makeBytes(modifier), ...tap, ...breakBytes(modifier)] : tap;
}
