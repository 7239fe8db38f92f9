/** Draws text cells as pixels, like a VGA. No DOM. */
import { cellFlag, type TextCursor, type TextFont } from '../protocol/events.ts';
import { type CellGrid, wordsPerCell } from './cell-grid.ts';

const glyphRows = 32;
const glyphsPerPage = 256;

interface RasterState {
  font: TextFont;
  cursor: TextCursor;
  /**
   * True in one half of the blink period: blinking characters and the cursor are hidden in the
   * other half.
   */
  blinkOn: boolean;
}

/**
 * Draws one row of cells.
 * @param pixels RGBA as little-endian words, `cols * font.width` wide and `font.height` high
 */
export function drawRow(
  grid: CellGrid,
  row: number,
  pixels: Uint32Array,
  state: RasterState,
): void {
  const { font, cursor, blinkOn } = state;
  const stride = grid.cols * font.width;
  for (let col = 0; col < grid.cols; col++) {
    const at = (row * grid.cols + col) * wordsPerCell;
    const word = grid.cells[at]!;
    const flags = word >> 8;
    const back = rgbaWord(grid.cells[at + 1]!);
    const fore = rgbaWord(grid.cells[at + 2]!);
    const hidden = (flags & cellFlag.blinking) !== 0 && !blinkOn;
    const page = (flags & cellFlag.fontPageB) !== 0 ? font.pageB : font.pageA;
    const x = col * font.width;
    drawGlyph(pixels, x, stride, font, page, word & 0xff, hidden ? back : fore, back);
    if (cursor.visible && blinkOn && cursor.row === row && cursor.col === col) {
      const end = Math.min(cursor.end, font.height - 1);
      fillBlock(pixels, x, stride, font.width, cursor.start, end, fore);
    }
  }
}

function drawGlyph(
  pixels: Uint32Array,
  x: number,
  stride: number,
  font: TextFont,
  page: number,
  code: number,
  fore: number,
  back: number,
): void {
  const shapes = (page * glyphsPerPage + code) * glyphRows;
  const dots = font.doubleWidth ? font.width >> 1 : font.width;
  const repeatsNinth = font.copyNinthColumn && code >= 0xc0 && code <= 0xdf;
  for (let y = 0; y < font.height; y++) {
    const bits = font.glyphs[shapes + y] ?? 0;
    // 9 bits, the leftmost dot in bit 8.
    const line = (bits << 1) | (repeatsNinth ? bits & 1 : 0);
    const start = y * stride + x;
    for (let dot = 0; dot < dots; dot++) {
      const colour = (line >> (8 - dot)) & 1 ? fore : back;
      if (font.doubleWidth) {
        pixels[start + 2 * dot] = colour;
        pixels[start + 2 * dot + 1] = colour;
      } else {
        pixels[start + dot] = colour;
      }
    }
  }
}

/** Fills scan lines `top` to `bottom`, both included. */
function fillBlock(
  pixels: Uint32Array,
  x: number,
  stride: number,
  width: number,
  top: number,
  bottom: number,
  colour: number,
): void {
  for (let y = top; y <= bottom; y++) {
    const start = y * stride + x;
    pixels.fill(colour, start, start + width);
  }
}

/** Converts 0xRRGGBB to the word of an opaque canvas pixel. */
function rgbaWord(rgb: number): number {
  return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | ((rgb >> 16) & 0xff)) >>> 0;
}
