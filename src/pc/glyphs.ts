/**
 * Finds the characters on a text screen by the shape of their glyphs: a guest may load a font of its
 * own. No DOM.
 */
import type { TextFont } from '../protocol/events.ts';
import { characterOf } from './code-page.ts';
import { knownGlyphs } from './known-glyphs.ts';

const glyphRows = 32;
const glyphsPerPage = 256;

let known: ReadonlyMap<number, readonly string[]> | undefined;

/** Returns characters by the digest of their glyphs, lowest first. */
function charactersByDigest(): ReadonlyMap<number, readonly string[]> {
  if (known) return known;
  const bytes = Uint8Array.from(atob(knownGlyphs), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const found = new Map<number, string[]>();
  for (let at = 0; at < bytes.length; ) {
    const character = String.fromCharCode(view.getUint16(at, true));
    const end = at + 3 + 3 * view.getUint8(at + 2);
    for (at += 3; at < end; at += 3) {
      const digest = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      const characters = found.get(digest);
      if (characters) characters.push(character);
      else found.set(digest, [character]);
    }
  }
  known = found;
  return found;
}

/**
 * Computes the same digest as tools/fonts/known-glyphs.py. @param rows without empty ones at the
 * end
 */
function digestOf(rows: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of rows) value = Math.imul(value ^ byte, 0x01000193);
  return (value ^ (value >>> 24)) & 0xffffff;
}

/** The characters of one font. */
export class Glyphs {
  readonly #font: TextFont;
  /** By page and code. */
  readonly #characters = new Map<number, readonly string[]>();
  /** False until the firmware has loaded a font. */
  readonly #isThere: boolean;

  constructor(font: TextFont) {
    this.#font = font;
    this.#isThere = 'AEIOU'
      .split('')
      .some((c) => this.#rows(font.pageA, c.charCodeAt(0)).length > 0);
  }

  /**
   * Characters of a cell: one, or several that look the same, likeliest first.
   * @param isPageB one of the other 256 glyphs of a font of 512
   */
  charactersOf(code: number, isPageB: boolean): readonly string[] {
    const isOther = isPageB && this.#font.pageA !== this.#font.pageB;
    const key = (code & 0xff) | (isOther ? glyphsPerPage : 0);
    let characters = this.#characters.get(key);
    if (!characters) {
      characters = this.#look(code & 0xff, isOther);
      this.#characters.set(key, characters);
    }
    return characters;
  }

  #look(code: number, isOther: boolean): readonly string[] {
    const usual = characterOf(code);
    if (!this.#isThere) return [usual];
    const { pageA, pageB } = this.#font;
    const rows = this.#rows(isOther ? pageB : pageA, code);
    if (rows.length === 0) return [' '];
    const candidates = charactersByDigest().get(digestOf(rows));
    if (!candidates) return [usual];
    if (isOther) return candidates;
    if (candidates.includes(usual)) {
      // Latin letters of words in other scripts are in the lower half.
      return code < 0x80 ? [usual, ...candidates.filter((c) => c !== usual)] : [usual];
    }
    // The upper half of a font does not repeat the characters of the lower half.
    const isAscii = (character: string) => character < '\x7f';
    const upper = code < 0x80 ? [] : candidates.filter((c) => !isAscii(c));
    return upper.length > 0 ? [...upper, ...candidates.filter(isAscii)] : candidates;
  }

  /** Rows of a glyph, without empty ones at the end. */
  #rows(page: number, code: number): Uint8Array {
    const start = (page * glyphsPerPage + code) * glyphRows;
    const { glyphs, height } = this.#font;
    let end = start + Math.min(height, glyphRows);
    while (end > start && glyphs[end - 1] === 0) end--;
    return glyphs.subarray(start, end);
  }
}

const scripts = [/\p{Script=Cyrillic}/u, /\p{Script=Greek}/u] as const;
const isLetter = (character: string) => /\p{L}/u.test(character);

/**
 * Returns a line of text. Some Latin, Greek and Cyrillic letters look the same. If a word has a
 * letter that only one script has, all its letters are read in that script.
 */
export function lineOf(cells: readonly (readonly string[])[]): string {
  const line = cells.map(([likeliest = ' ']) => likeliest);
  for (let at = 0; at < line.length; at++) {
    let end = at;
    while (end < line.length && isLetter(line[end] ?? '')) end++;
    const word = cells.slice(at, end);
    const script = scripts.find((one) =>
      word.some((letters) => letters.length > 0 && letters.every((letter) => one.test(letter))),
    );
    if (script) {
      for (const [i, letters] of word.entries())
        line[at + i] = letters.find((letter) => script.test(letter)) ?? (line[at + i] as string);
    }
    at = Math.max(at, end);
  }
  return line.join('').trimEnd();
}
