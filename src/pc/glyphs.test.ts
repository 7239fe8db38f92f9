import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cellFlag, type TextFont } from '../protocol/events.ts';
import { CellGrid } from './cell-grid.ts';
import { characterOf } from './code-page.ts';
import { Glyphs } from './glyphs.ts';

const glyphRows = 32;

/** The glyphs of the VGA BIOS that ships, in the order of code page 437. */
function romGlyphs(height: number): Uint8Array[] {
  const bios = readFileSync('public/firmware/vgabios.bin');
  // The second one, a smiling face; the first is blank.
  const face = {
    8: '7e81a581bd99817e',
    14: '00007e81a58181bd99817e000000',
    16: '00007e81a58181bd9981817e00000000',
  }[height];
  const start = bios.indexOf(Buffer.from(face ?? '', 'hex')) - height;
  return Array.from({ length: 256 }, (_, code) =>
    bios.subarray(start + code * height, start + (code + 1) * height),
  );
}

/**
 * Returns a font with these glyphs, from code 0 of its first page on. Glyphs beyond 256 are in the
 * second.
 */
function fontOf(shapes: readonly Uint8Array[], height = 16): TextFont {
  const glyphs = new Uint8Array(8 * 256 * glyphRows);
  for (const [i, rows] of shapes.entries()) glyphs.set(rows, i * glyphRows);
  const pageB = shapes.length > 256 ? 1 : 0;
  return { width: 9, height, copyNinthColumn: true, doubleWidth: false, glyphs, pageA: 0, pageB };
}

const codeOf = (character: string) =>
  Array.from({ length: 256 }, (_, code) => code).find((code) => characterOf(code) === character) ??
  0;

function textOf(font: TextFont, codes: readonly number[]): string {
  const cells = Int32Array.from(
    codes.flatMap((code) => {
      const flags = code > 0xff ? cellFlag.fontPageB : 0;
      return [(code & 0xff) | (flags << 8), 0, 0];
    }),
  );
  return new CellGrid({ cols: codes.length, rows: 1, cells }).text(new Glyphs(font));
}

const all = Array.from({ length: 256 }, (_, code) => code);

test.each([8, 14, 16])(
  "[K6] with the VGA's own font of %i lines text is code page 437",
  (height) => {
    const font = fontOf(romGlyphs(height), height);
    expect(textOf(font, all)).toBe(all.map(characterOf).join('').trimEnd());
  },
);

test('[K6] a font that has its glyphs in other places says what they look like', () => {
  const rom = romGlyphs(16);
  const shapes = [...rom];
  // As in ISO 8859-15.
  for (const character of 'äöüÄÖÜßéèñ')
    shapes[character.charCodeAt(0)] = rom[codeOf(character)] as Uint8Array;
  const codes = Array.from('Zürich, größer: éèñ ÄÖÜ', (character) => character.charCodeAt(0));
  expect(textOf(fontOf(shapes), codes)).toBe('Zürich, größer: éèñ ÄÖÜ');
});

test('[K6] the second half of a font of 512 glyphs is read as well', () => {
  const rom = romGlyphs(16);
  const shapes = [...rom, ...Array.from({ length: 256 }, () => rom[codeOf('ü')] as Uint8Array)];
  expect(textOf(fontOf(shapes), [0x5a, 0x141, 0x72])).toBe('Zür');
});

test('[K6] an unknown glyph is shown as the meaning of its code', () => {
  const shapes = romGlyphs(16);
  shapes[0x41] = Uint8Array.from({ length: 16 }, (_, row) => 0x11 * row);
  expect(textOf(fontOf(shapes), [0x41, 0x42, 0xe1])).toBe('ABß');
});

test('[K6] before there is a font text is code page 437', () => {
  expect(textOf(fontOf([]), [0x41, 0x84])).toBe('Aä');
});
