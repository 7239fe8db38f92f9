/** The text screen as the page received it. No DOM. */
import { cellFlag, type TextScreen } from '../protocol/events.ts';
import { type Glyphs, lineOf } from './glyphs.ts';

/** 32-bit words a cell: see {@link TextScreen}. */
export const wordsPerCell = 3;

/** The cells of a text screen, and the rows that must be drawn again. */
export class CellGrid {
  readonly cols: number;
  readonly rows: number;
  readonly cells: Int32Array;
  readonly #dirty: Uint8Array;

  constructor({ cols, rows, cells }: TextScreen) {
    this.cols = cols;
    this.rows = rows;
    this.cells = new Int32Array(cols * rows * wordsPerCell);
    this.cells.set(cells.subarray(0, this.cells.length));
    this.#dirty = new Uint8Array(rows).fill(1);
  }

  /** Sets complete rows from `row` on. Rows beyond the screen belong to an older, larger one. */
  setRows(row: number, rows: number, cells: Int32Array): void {
    const fitting = Math.min(rows, this.rows - row);
    if (row < 0 || fitting <= 0) return;
    const words = this.cols * wordsPerCell;
    this.cells.set(cells.subarray(0, fitting * words), row * words);
    this.#dirty.fill(1, row, row + fitting);
  }

  markRow(row: number): void {
    if (row >= 0 && row < this.rows) this.#dirty[row] = 1;
  }

  markAll(): void {
    this.#dirty.fill(1);
  }

  /** Marks the rows that change when blinking characters come and go. */
  markBlinking(): void {
    const words = this.cols * wordsPerCell;
    const blinking = cellFlag.blinking << 8;
    for (let i = 0; i < this.cells.length; i += wordsPerCell) {
      if ((this.cells[i]! & blinking) !== 0) this.#dirty[Math.floor(i / words)] = 1;
    }
  }

  /** Returns the rows to draw, and clears the marks. */
  takeDirtyRows(): number[] {
    const rows: number[] = [];
    this.#dirty.forEach((dirty, row) => {
      if (dirty) rows.push(row);
    });
    this.#dirty.fill(0);
    return rows;
  }

  /**
   * Returns the lines of text without blanks at their ends.
   * @param glyphs of the font that shows the cells
   */
  text(glyphs: Glyphs): string {
    const pageB = cellFlag.fontPageB << 8;
    const lines: string[] = [];
    for (let row = 0; row < this.rows; row++) {
      const line: (readonly string[])[] = [];
      for (let col = 0; col < this.cols; col++) {
        const word = this.cells[(row * this.cols + col) * wordsPerCell]!;
        line.push(glyphs.charactersOf(word & 0xff, (word & pageB) !== 0));
      }
      lines.push(lineOf(line));
    }
    return lines.join('\n');
  }
}
