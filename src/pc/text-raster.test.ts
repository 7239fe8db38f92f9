import { expect, test } from 'vitest';
import { cellFlag, type TextCursor, type TextFont } from '../protocol/events.ts';
import { CellGrid } from './cell-grid.ts';
import { drawRow } from './text-raster.ts';

const black = 0x000000;
const red = 0xff0000;
const hidden: TextCursor = { row: 0, col: 0, start: 0, end: 0, visible: false };

/** Glyph 0x41 of page 0 is `#.......#`-like: its bits are given, one row high. */
function fontOf(bits: number, more: Partial<TextFont> = {}, code = 0x41, page = 0): TextFont {
  const glyphs = new Uint8Array(65_536);
  glyphs[(page * 256 + code) * 32] = bits;
  return {
    width: 8,
    height: 1,
    copyNinthColumn: false,
    doubleWidth: false,
    glyphs,
    pageA: 0,
    pageB: 0,
    ...more,
  };
}

/** One cell as `#` for red and `.` for black. */
function draw(font: TextFont, word: number, cursor = hidden, blinkOn = true): string {
  const grid = new CellGrid({ cols: 1, rows: 1, cells: Int32Array.of(word, black, red) });
  const pixels = new Uint32Array(font.width * font.height);
  drawRow(grid, 0, pixels, { font, cursor, blinkOn });
  // Little-endian RGBA: opaque red is ff 00 00 ff.
  return [...pixels].map((pixel) => (pixel === 0xff0000ff ? '#' : '.')).join('');
}

test('the most significant bit is the leftmost pixel', () => {
  expect(draw(fontOf(0b1100_0001), 0x41)).toBe('##.....#');
});

test('the ninth column is blank, but repeats the eighth in box-drawing characters', () => {
  const nine = { width: 9, copyNinthColumn: true };
  expect(draw(fontOf(0xff, nine), 0x41)).toBe('########.');
  expect(draw(fontOf(0xff, nine, 0xc4), 0xc4)).toBe('#########');
  expect(draw(fontOf(0xff, { width: 9 }, 0xc4), 0xc4)).toBe('########.');
});

test('a double-width font draws each dot twice', () => {
  expect(draw(fontOf(0b1000_0001, { width: 16, doubleWidth: true }), 0x41)).toBe(
    '##............##',
  );
});

test('a cell of font page B takes its glyph from there', () => {
  const font = fontOf(0xf0, { pageB: 3 }, 0x41, 3);
  expect(draw(font, 0x41)).toBe('........');
  expect(draw(font, 0x41 | (cellFlag.fontPageB << 8))).toBe('####....');
});

test('blinking characters are away half of the time', () => {
  const blinking = 0x41 | (cellFlag.blinking << 8);
  expect(draw(fontOf(0xff), blinking, hidden, true)).toBe('########');
  expect(draw(fontOf(0xff), blinking, hidden, false)).toBe('........');
});

test('the cursor covers its scan lines in the colour of the character', () => {
  const cursor = { row: 0, col: 0, start: 1, end: 9, visible: true };
  expect(draw(fontOf(0, { height: 2 }), 0x41, cursor)).toBe('........########');
  expect(draw(fontOf(0, { height: 2 }), 0x41, cursor, false)).toBe('................');
});
