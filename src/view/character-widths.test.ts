import { expect, test } from 'vitest';
import { measureOnce, type WidthCache } from './character-widths.ts';

/** A cache as in xterm.js, whose characters are as wide as their code. */
class LabCache implements WidthCache {
  readonly measured: string[] = [];
  readonly #known = new Map<string, number>();

  get(characters: string, isBold: boolean, isItalic: boolean): number {
    const variant = Number(isBold) | (Number(isItalic) << 1);
    const key = `${characters}${variant}`;
    const width = this.#known.get(key) ?? this._measure(characters, variant);
    this.#known.set(key, width);
    return width;
  }

  _measure(characters: string, variant: number): number {
    this.measured.push(`${characters}${variant}`);
    return characters.codePointAt(0) ?? 0;
  }
}

const widthsOf = (cache: WidthCache, text: string) =>
  [...text].map((character) => cache.get(character, false, false));

test('in a monospaced font all of ASCII has the width of one character', () => {
  const cache = new LabCache();
  measureOnce(cache, () => true);
  expect(widthsOf(cache, ' ~/#a')).toEqual(Array(5).fill('W'.codePointAt(0)));
  expect(cache.measured).toEqual(['W0']);
});

test('other characters, bold and slanted ones are measured', () => {
  const cache = new LabCache();
  measureOnce(cache, () => true);
  expect(widthsOf(cache, '─é')).toEqual([0x2500, 0xe9]);
  expect(cache.get('a', true, false)).toBe(0x61);
  expect(cache.get('a', false, true)).toBe(0x61);
  expect(cache.measured).toEqual(['─0', 'é0', 'a1', 'a2']);
});

test('in another font each character is measured, and the font is looked at once', () => {
  const cache = new LabCache();
  let looks = 0;
  measureOnce(cache, () => {
    looks++;
    return false;
  });
  expect(widthsOf(cache, 'iW.')).toEqual([0x69, 0x57, 0x2e]);
  expect(looks).toBe(1);
});
