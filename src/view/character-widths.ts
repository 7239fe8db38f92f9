/**
 * Widths of a terminal's characters. xterm.js measures each new character in the document, which
 * the browser lays out every time. In a monospaced font one measurement is enough.
 */

/** Internals of xterm.js 6.0.0. */
export interface WidthCache {
  get(characters: string, isBold: boolean, isItalic: boolean): number;
  _measure(characters: string, variant: number): number;
}

const regular = 0;
/** The character that xterm.js measures first, for the width of a cell. */
const sample = 'W';
const printable = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join(
  '',
);

/**
 * Makes the cache measure one character for all of printable ASCII.
 *
 * @param isMonospaced called once, at the first measurement of another character
 */
export function measureOnce(cache: WidthCache, isMonospaced: () => boolean): void {
  const measure = cache._measure.bind(cache);
  let isOneWidth: boolean | undefined;
  cache._measure = (characters, variant) => {
    const isPlain = variant === regular && characters !== sample && isPrintable(characters);
    if (!isPlain) return measure(characters, variant);
    isOneWidth ??= isMonospaced();
    return isOneWidth ? cache.get(sample, false, false) : measure(characters, variant);
  };
}

const isPrintable = (text: string) => text.length === 1 && text >= ' ' && text <= '~';

/** Returns true if all of printable ASCII is equally wide, as drawn on a canvas. */
export function isMonospaced(fontFamily: string): boolean {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return false;
  context.font = `100px ${fontFamily}`;
  const widths = [...printable].map((character) => context.measureText(character).width);
  return widths.every((width) => width === widths[0]);
}
