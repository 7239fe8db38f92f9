import type { Machine } from '../client/types.ts';
import type { MachineEvent } from '../protocol/events.ts';
import { TextScreenView } from './text-screen.ts';

type FrameEvent = Extract<MachineEvent, { type: 'screen-frame' }>;

/** Draws a guest's VGA screen. The canvas has exactly the guest's pixels; CSS scales it. */
export class ScreenCanvas {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #pictureChanged: () => void;
  readonly #textChanged: () => void;
  #text: TextScreenView | null = null;

  /**
   * @param pictureChanged called when the size or the kind of the picture changes
   * @param textChanged called when the text on the screen changes
   */
  constructor(
    canvas: HTMLCanvasElement,
    pictureChanged: () => void,
    textChanged: () => void = () => {},
  ) {
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('This browser draws on no canvas.');
    this.canvas = canvas;
    this.#context = context;
    this.#pictureChanged = pictureChanged;
    this.#textChanged = textChanged;
  }

  /** Columns and rows; null in graphics mode. */
  get textSize(): { cols: number; rows: number } | null {
    return this.#text;
  }

  /** Returns the text of a text screen; an empty string in graphics mode. */
  text(): string {
    return this.#text?.text() ?? '';
  }

  follow(machine: Pick<Machine, 'on'>): void {
    machine.on('screen-text', ({ screen, font, cursor }) => {
      this.#text?.dispose();
      this.#text = new TextScreenView(this.#context, screen, font, cursor);
      this.#pictureChanged();
    });
    machine.on('screen-cells', ({ row, rows, cells }) => {
      this.#text?.setRows(row, rows, cells);
      this.#textChanged();
    });
    machine.on('screen-font', ({ font }) => {
      this.#text?.setFont(font);
      this.#pictureChanged();
    });
    machine.on('screen-cursor', ({ cursor }) => this.#text?.setCursor(cursor));
    machine.on('screen-graphics', ({ width, height }) => {
      this.dispose();
      this.canvas.width = width;
      this.canvas.height = height;
      this.#pictureChanged();
    });
    machine.on('screen-frame', (frame) => this.#drawFrame(frame));
  }

  /** Stops the blinking. */
  dispose(): void {
    this.#text?.dispose();
    this.#text = null;
  }

  #drawFrame({ x, y, width, height, pixels }: FrameEvent): void {
    // The frame was sent before the screen changed to text.
    if (this.#text || width === 0 || height === 0) return;
    // Frames were posted: their buffers are never shared ones.
    const image = new ImageData(pixels as Uint8ClampedArray<ArrayBuffer>, width, height);
    this.#context.putImageData(image, x, y);
  }
}
