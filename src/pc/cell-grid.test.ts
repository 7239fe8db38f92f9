import { expect, test } from 'vitest';
import { cellFlag } from '../protocol/events.ts';
import { CellGrid } from './cell-grid.ts';
import { Glyphs } from './glyphs.ts';

/** Before the guest has loaded a font. */
const usual = new Glyphs({
  width: 9,
  height: 16,
  copyNinthColumn: true,
  doubleWidth: false,
  glyphs: new Uint8Array(65_536),
  pageA: 0,
  pageB: 0,
});

const cellsOf = (text: string, flags = 0): Int32Array =>
  Int32Array.from([...text].flatMap((c) => [c.charCodeAt(0) | (flags << 8), 0, 0xffffff]));
const grid = () => new CellGrid({ cols: 4, rows: 3, cells: cellsOf('ab  cd  ef  ') });

test('the text has one line a row, without blanks at the end', () => {
  expect(grid().text(usual)).toBe('ab\ncd\nef');
});

test('characters beyond ASCII are those of code page 437', () => {
  const cells = Int32Array.from([0xc9, 0, 0, 0xcd, 0, 0, 0xe1, 0, 0, 0x01, 0, 0]);
  expect(new CellGrid({ cols: 4, rows: 1, cells }).text(usual)).toBe('╔═ß☺');
});

test('a new screen is drawn as a whole, then only what changes', () => {
  const screen = grid();
  expect(screen.takeDirtyRows()).toEqual([0, 1, 2]);
  expect(screen.takeDirtyRows()).toEqual([]);
  screen.setRows(1, 2, cellsOf('xx  yy  '));
  expect(screen.takeDirtyRows()).toEqual([1, 2]);
  expect(screen.text(usual)).toBe('ab\nxx\nyy');
});

test('rows beyond the screen are left alone', () => {
  const screen = grid();
  screen.takeDirtyRows();
  screen.setRows(2, 2, cellsOf('zz  !!  '));
  screen.setRows(9, 1, cellsOf('....'));
  screen.markRow(7);
  expect(screen.takeDirtyRows()).toEqual([2]);
  expect(screen.text(usual)).toBe('ab\ncd\nzz');
});

test('only rows with blinking characters are drawn again for a blink', () => {
  const screen = grid();
  screen.setRows(1, 1, cellsOf('blnk', cellFlag.blinking));
  screen.takeDirtyRows();
  screen.markBlinking();
  expect(screen.takeDirtyRows()).toEqual([1]);
});
