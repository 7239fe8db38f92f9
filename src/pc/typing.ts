/** Converts text to the key presses of a person at a keyboard. No DOM. */
import { defaultKeyboardLayout, type KeyboardLayout } from '../protocol/keyboard-layout-names.ts';
import { keysFor, type LayoutKey, layoutName } from './keyboard-layouts.ts';
import { breakBytes, makeBytes } from './scancodes.ts';

/** Typographic characters of word processors, and the keyboard's characters for them. */
const look: Record<string, string> = {
  '\u00a0': ' ',
  '\u2018': "'",
  '\u2019': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u2013': '-',
  '\u2014': '-',
};

interface TypedText {
  /** One array of scan codes a key, presses and releases; a dead key and the next are two. */
  strokes: number[][];
  /** Characters that the keyboard does not have; they are left out. */
  untypable: string[];
}

export function typeText(text: string, layout: KeyboardLayout = defaultKeyboardLayout): TypedText {
  const strokes: number[][] = [];
  const untypable = new Set<string>();
  for (const original of charactersOf(text)) {
    const keys = keysFor(original, layout) ?? keysFor(look[original] ?? '', layout);
    if (keys) strokes.push(...keys.map(strokeOf));
    else untypable.add(original);
  }
  return { strokes, untypable: [...untypable] };
}

/** Names the characters of a text that the guest's keyboard lacks. */
export const untypableText = (characters: readonly string[], layout: KeyboardLayout): string =>
  `The guest's keyboard (${layoutName(layout)}) has no key for: ${characters.join(' ')}`;

/**
 * Splits text into characters. An accent stays with its letter, and a sequence drawn as one (👍🏽)
 * is one.
 */
function charactersOf(text: string): string[] {
  const composed = text.replace(/\r\n?/g, '\n').normalize('NFC');
  return Array.from(new Intl.Segmenter().segment(composed), ({ segment }) => segment);
}

function strokeOf({ code, modifier }: LayoutKey): number[] {
  const held = modifier?.split('+') ?? [];
  return [
    ...held.flatMap(makeBytes),
    ...makeBytes(code),
    ...breakBytes(code),
    ...held.reverse().flatMap(breakBytes),
  ];
}
