import { CellGrid } from '../pc/cell-grid.ts';
import { Glyphs } from '../pc/glyphs.ts';
import { drawRow } from '../pc/text-raster.ts';
import type { TextCursor, TextFont, TextScreen } from '../protocol/events.ts';

/** The VGA's own period: the cursor is on for 16 frames of 60 Hz and off for 16. */
const blinkMs = 266;

/** A text screen on a canvas. */
export class TextScreenView {
  readonly #context: CanvasRenderingContext2D;
  readonly #grid: CellGrid;
  #font: TextFont;
  /** Glyphs of the font, created at the first use. */
  #glyphs: Glyphs | undefined;
  #cursor: TextCursor;
  #row: ImageData;
  #blinkOn = true;
  readonly #blinkTimer: ReturnType<typeof setInterval>;
  #frame = 0;

  constructor(
    context: CanvasRenderingContext2D,
    screen: TextScreen,
    font: TextFont,
    cursor: TextCursor,
  ) {
    this.#context = context;
    this.#grid = new CellGrid(screen);
    this.#font = font;
    this.#cursor = cursor;
    this.#row = this.#setSize();
    this.#blinkTimer = setInterval(() => this.#blink(), blinkMs);
    this.#schedule();
  }

  get cols(): number {
    return this.#grid.cols;
  }

  get rows(): number {
    return this.#grid.rows;
  }

  text(): string {
    this.#glyphs ??= new Glyphs(this.#font);
    return this.#grid.text(this.#glyphs);
  }

  setRows(row: number, rows: number, cells: Int32Array): void {
    this.#grid.setRows(row, rows, cells);
    this.#schedule();
  }

  setFont(font: TextFont): void {
    this.#font = font;
    this.#glyphs = undefined;
    this.#row = this.#setSize();
    this.#grid.markAll();
    this.#schedule();
  }

  setCursor(cursor: TextCursor): void {
    this.#grid.markRow(this.#cursor.row);
    this.#grid.markRow(cursor.row);
    this.#cursor = cursor;
    // The cursor stays visible while it moves.
    this.#blinkOn = true;
    this.#schedule();
  }

  /** Stops drawing, because another screen uses the canvas. */
  dispose(): void {
    clearInterval(this.#blinkTimer);
    cancelAnimationFrame(this.#frame);
  }

  #setSize(): ImageData {
    const { canvas } = this.#context;
    const width = Math.max(1, this.#grid.cols * this.#font.width);
    const height = Math.max(1, this.#grid.rows * this.#font.height);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    return new ImageData(width, Math.max(1, this.#font.height));
  }

  #blink(): void {
    this.#blinkOn = !this.#blinkOn;
    this.#grid.markBlinking();
    if (this.#cursor.visible) this.#grid.markRow(this.#cursor.row);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const pixels = new Uint32Array(this.#row.data.buffer);
    const state = { font: this.#font, cursor: this.#cursor, blinkOn: this.#blinkOn };
    for (const row of this.#grid.takeDirtyRows()) {
      drawRow(this.#grid, row, pixels, state);
      this.#context.putImageData(this.#row, 0, row * this.#font.height);
    }
  }
}
