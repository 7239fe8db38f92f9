/**
 * A screen adapter for v86 that converts its calls to events for any number of pages. A new page gets a
 * whole screen, then changed text rows and changed rectangles of pixels.
 */
import type { MachineEvent, TextCursor, TextFont } from '../../protocol/events.ts';
import { cellFlag } from '../../protocol/events.ts';

const frameMs = 1000 / 60;
const wordsPerCell = 3;
const fontBytes = 8 * 256 * 32;

/** A part of an image to show, as v86's VGA passes it. */
interface Layer {
  image_data: { data: Uint8ClampedArray; width: number; height: number };
  screen_x: number;
  screen_y: number;
  buffer_x: number;
  buffer_y: number;
  buffer_width: number;
  buffer_height: number;
}

interface ScreenTapOptions {
  emit(event: MachineEvent, transfer?: Transferable[]): void;
  /** Makes v86's VGA call `update_buffer` with its changes. */
  fill(): void;
  /** Makes v86's VGA report everything again. */
  redraw(): void;
}

export class ScreenTap {
  // Names that v86 reads.
  readonly FLAG_BLINKING = cellFlag.blinking;
  readonly FLAG_FONT_PAGE_B = cellFlag.fontPageB;

  readonly #options: ScreenTapOptions;
  #graphical = false;
  #width = 0;
  #height = 0;
  #cols = 80;
  #rows = 25;
  #cells = new Int32Array(80 * 25 * wordsPerCell);
  #dirtyFirst = Number.POSITIVE_INFINITY;
  #dirtyLast = -1;
  #newScreen = true;
  #newFont = false;
  #newCursor = false;
  #font: TextFont = {
    width: 9,
    height: 16,
    copyNinthColumn: true,
    doubleWidth: false,
    glyphs: new Uint8Array(fontBytes),
    pageA: 0,
    pageB: 0,
  };
  #cursor: TextCursor = { row: 0, col: 0, start: 14, end: 15, visible: true };
  #timer: ReturnType<typeof setInterval> | undefined;
  /** True until the runtime is active: nothing is shown. */
  #quiet = true;
  /** Set while {@link describe} gathers events that would otherwise be emitted. */
  #collect: MachineEvent[] | undefined;

  constructor(options: ScreenTapOptions) {
    this.#options = options;
  }

  /** Starts and stops the frame timer; without pages nothing is drawn. */
  setWatched(watched: boolean): void {
    if (watched === (this.#timer !== undefined)) return;
    if (watched) {
      this.#timer = setInterval(() => this.flush(), frameMs);
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Suppresses events while a runtime is prepared or parked. */
  setQuiet(quiet: boolean): void {
    this.#quiet = quiet;
  }

  /** Sends the changes since the last call. */
  flush(): void {
    if (this.#quiet) return;
    this.#options.fill();
    if (this.#graphical) {
      if (this.#newScreen) this.#send(this.#graphicsScreen());
    } else if (this.#newScreen) {
      this.#send(this.#textScreen());
    } else {
      if (this.#newFont) this.#send({ type: 'screen-font', font: this.#fontCopy() });
      this.#sendDirtyRows();
      if (this.#newCursor) this.#send({ type: 'screen-cursor', cursor: { ...this.#cursor } });
    }
    this.#clean();
  }

  /** Returns the complete screen for a new page. */
  describe(): MachineEvent[] {
    this.flush();
    if (!this.#graphical) return [this.#textScreen()];
    const events: MachineEvent[] = [this.#graphicsScreen()];
    this.#collect = events;
    try {
      this.#options.redraw();
      this.#options.fill();
    } finally {
      this.#collect = undefined;
    }
    return events;
  }

  #send(event: MachineEvent, transfer?: Transferable[]): void {
    if (this.#collect) this.#collect.push(event);
    else if (!this.#quiet) this.#options.emit(event, transfer);
  }

  #clean(): void {
    this.#newScreen = false;
    this.#newFont = false;
    this.#newCursor = false;
    this.#dirtyFirst = Number.POSITIVE_INFINITY;
    this.#dirtyLast = -1;
  }

  #textScreen(): MachineEvent {
    return {
      type: 'screen-text',
      screen: { cols: this.#cols, rows: this.#rows, cells: this.#cells.slice() },
      font: this.#fontCopy(),
      cursor: { ...this.#cursor },
    };
  }

  #graphicsScreen(): MachineEvent {
    return { type: 'screen-graphics', width: this.#width, height: this.#height };
  }

  #fontCopy(): TextFont {
    return { ...this.#font, glyphs: this.#font.glyphs.slice() };
  }

  #sendDirtyRows(): void {
    if (this.#dirtyLast < this.#dirtyFirst) return;
    const rowWords = this.#cols * wordsPerCell;
    const rows = this.#dirtyLast - this.#dirtyFirst + 1;
    const start = this.#dirtyFirst * rowWords;
    const cells = this.#cells.slice(start, start + rows * rowWords);
    this.#send({ type: 'screen-cells', row: this.#dirtyFirst, rows, cells }, [cells.buffer]);
  }

  // ---- called by v86 ----

  put_char(row: number, col: number, code: number, flags: number, bg: number, fg: number): void {
    if (row >= this.#rows || col >= this.#cols) return;
    const at = (row * this.#cols + col) * wordsPerCell;
    const cells = this.#cells;
    const word = code | (flags << 8);
    if (cells[at] === word && cells[at + 1] === bg && cells[at + 2] === fg) return;
    cells[at] = word;
    cells[at + 1] = bg;
    cells[at + 2] = fg;
    if (row < this.#dirtyFirst) this.#dirtyFirst = row;
    if (row > this.#dirtyLast) this.#dirtyLast = row;
  }

  set_mode(graphical: boolean): void {
    if (graphical === this.#graphical) return;
    this.#graphical = graphical;
    this.#newScreen = true;
  }

  set_size_text(cols: number, rows: number): void {
    if (cols === this.#cols && rows === this.#rows) return;
    this.#cols = cols;
    this.#rows = rows;
    this.#cells = new Int32Array(cols * rows * wordsPerCell);
    this.#newScreen = true;
  }

  clear_text_state(): void {
    this.#cells.fill(0);
    this.#newScreen = true;
  }

  clear_screen(): void {
    this.#newScreen = true;
  }

  set_size_graphical(width: number, height: number): void {
    if (width === this.#width && height === this.#height) return;
    this.#width = width;
    this.#height = height;
    this.#newScreen = true;
  }

  set_font_bitmap(
    height: number,
    nineWide: boolean,
    doubleWidth: boolean,
    copyEighthColumn: boolean,
    glyphs: Uint8Array,
    glyphsChanged: boolean,
  ): void {
    const width = (nineWide ? 9 : 8) * (doubleWidth ? 2 : 1);
    const font = this.#font;
    const same =
      font.height === height &&
      font.width === width &&
      font.copyNinthColumn === copyEighthColumn &&
      font.doubleWidth === doubleWidth;
    if (same && !glyphsChanged) return;
    if (glyphsChanged) font.glyphs.set(glyphs.subarray(0, fontBytes));
    this.#font = { ...font, height, width, copyNinthColumn: copyEighthColumn, doubleWidth };
    this.#newFont = true;
  }

  set_font_page(pageA: number, pageB: number): void {
    if (this.#font.pageA === pageA && this.#font.pageB === pageB) return;
    this.#font = { ...this.#font, pageA, pageB };
    this.#newFont = true;
  }

  update_cursor(row: number, col: number): void {
    if (row === this.#cursor.row && col === this.#cursor.col) return;
    this.#cursor = { ...this.#cursor, row, col };
    this.#newCursor = true;
  }

  update_cursor_scanline(start: number, end: number, visible: boolean): void {
    this.#cursor = { ...this.#cursor, start, end, visible };
    this.#newCursor = true;
  }

  update_buffer(layers: readonly Layer[]): void {
    if (this.#newScreen && !this.#collect) {
      this.#send(this.#graphicsScreen());
      this.#newScreen = false;
    }
    for (const layer of layers) {
      const { image_data: image, buffer_x: x, buffer_y: y } = layer;
      const width = Math.min(layer.buffer_width, image.width - x);
      const height = Math.min(layer.buffer_height, image.height - y);
      if (width <= 0 || height <= 0) continue;
      const pixels = new Uint8ClampedArray(width * height * 4);
      if (width === image.width) {
        pixels.set(image.data.subarray(y * width * 4, (y + height) * width * 4));
      } else {
        for (let row = 0; row < height; row++) {
          const from = ((y + row) * image.width + x) * 4;
          pixels.set(image.data.subarray(from, from + width * 4), row * width * 4);
        }
      }
      this.#send(
        {
          type: 'screen-frame',
          x: layer.screen_x,
          y: layer.screen_y,
          width,
          height,
          pixels,
        },
        [pixels.buffer],
      );
    }
  }

  pause(): void {}
  continue(): void {}
  destroy(): void {}
  set_scale(): void {}
}
