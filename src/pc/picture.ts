/** The VGA screen as pixels. */
import type { ScreenContents } from '../protocol/events.ts';
import { CellGrid } from './cell-grid.ts';
import { drawRow } from './text-raster.ts';

export interface Picture {
  width: number;
  height: number;
  /** RGBA, tightly packed. */
  pixels: Uint8ClampedArray;
}

/**
 * Returns the screen as pixels. Text is drawn as on a VGA, with blinking characters and the cursor
 * shown.
 */
export function pictureOf(contents: ScreenContents): Picture {
  if (contents.mode === 'graphics') return contents;
  const { screen, font, cursor } = contents;
  const grid = new CellGrid(screen);
  const width = grid.cols * font.width;
  const rowWords = width * font.height;
  const words = new Uint32Array(rowWords * grid.rows);
  for (let row = 0; row < grid.rows; row++) {
    const pixels = words.subarray(row * rowWords, (row + 1) * rowWords);
    drawRow(grid, row, pixels, { font, cursor, blinkOn: true });
  }
  return { width, height: grid.rows * font.height, pixels: new Uint8ClampedArray(words.buffer) };
}
