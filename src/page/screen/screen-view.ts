import type { Machine } from '../../machine/types.ts';
import type { MachineEvent } from '../../protocol/events.ts';
import { element } from '../element.ts';
import { download } from '../files.ts';
import type { Session } from '../session.ts';
import { fitPicture } from './screen-scale.ts';
import { TextScreenView } from './text-screen.ts';

type FrameEvent = Extract<MachineEvent, { type: 'screen-frame' }>;

/** Around the picture, for its focus ring. */
const marginPx = 6;
/** How stale the text for screen readers may be. */
const mirrorMs = 1000;

/** The guest's VGA screen. The canvas has exactly the guest's pixels; CSS scales it. */
export class ScreenView {
  readonly #container = element('screen', HTMLElement);
  readonly #canvas = element('screen-canvas', HTMLCanvasElement);
  readonly #context: CanvasRenderingContext2D;
  readonly #detail = element('screen-detail', HTMLElement);
  readonly #mirror = element('screen-text', HTMLElement);
  #text: TextScreenView | null = null;
  #mirrorTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(session: Session) {
    const context = this.#canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('This browser draws on no canvas.');
    this.#context = context;
    session.onMachine((machine) => this.#follow(machine));
    new ResizeObserver(() => this.#fit()).observe(this.#container);
    // A change of zoom is a change of the device pixels.
    window.addEventListener('resize', () => this.#fit());
  }

  get canvas(): HTMLCanvasElement {
    return this.#canvas;
  }

  focus(): void {
    this.#canvas.focus();
  }

  /** The text of a text screen; nothing in graphics. */
  text(): string {
    return this.#text?.text() ?? '';
  }

  toggleFullScreen(): void {
    if (document.fullscreenElement) {
      void document.exitFullscreen();
      return;
    }
    if (document.fullscreenEnabled) void this.#enterFullScreen();
  }

  async #enterFullScreen(): Promise<void> {
    try {
      await this.#container.requestFullscreen();
      this.focus();
      // Chromium's keyboard lock hands over Escape, Ctrl+W and the like.
      const { keyboard } = navigator as { keyboard?: { lock?(): Promise<void> } };
      await keyboard?.lock?.();
    } catch (error) {
      // The browser says no, as it may; the page goes on as it was.
      console.warn('No full screen, or not with all keys:', error);
    }
  }

  /** Saves what is on the screen as a PNG file. */
  saveScreenshot(): void {
    this.#canvas.toBlob((blob) => {
      if (!blob) return;
      const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
      download(`holdfast-${time}.png`, blob);
    }, 'image/png');
  }

  #follow(machine: Machine): void {
    machine.on('screen-text', ({ screen, font, cursor }) => {
      this.#text?.dispose();
      this.#text = new TextScreenView(this.#context, screen, font, cursor);
      this.#pictureChanged();
    });
    machine.on('screen-cells', ({ row, rows, cells }) => {
      this.#text?.setRows(row, rows, cells);
      this.#mirrorLater();
    });
    machine.on('screen-font', ({ font }) => {
      this.#text?.setFont(font);
      this.#pictureChanged();
    });
    machine.on('screen-cursor', ({ cursor }) => this.#text?.setCursor(cursor));
    machine.on('screen-graphics', ({ width, height }) => {
      this.#text?.dispose();
      this.#text = null;
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#pictureChanged();
    });
    machine.on('screen-frame', (frame) => this.#drawFrame(frame));
  }

  #drawFrame({ x, y, width, height, pixels }: FrameEvent): void {
    // A frame that was on its way when the screen went back to text.
    if (this.#text || width === 0 || height === 0) return;
    // Frames were posted: their buffers are never shared ones.
    const image = new ImageData(pixels as Uint8ClampedArray<ArrayBuffer>, width, height);
    this.#context.putImageData(image, x, y);
  }

  #pictureChanged(): void {
    const { width, height } = this.#canvas;
    const text = this.#text;
    const detail = text
      ? `VGA text, ${text.cols} × ${text.rows}`
      : `VGA graphics, ${width} × ${height}`;
    this.#detail.textContent = detail;
    this.#canvas.setAttribute('aria-label', `Screen of the guest: ${detail}`);
    this.#canvas.dataset.mode = text ? 'text' : 'graphics';
    this.#fit();
    this.#mirrorLater();
  }

  #fit(): void {
    const isFullScreen = document.fullscreenElement === this.#container;
    const margin = isFullScreen ? 0 : 2 * marginPx;
    const room = {
      width: this.#container.clientWidth - margin,
      height: this.#container.clientHeight - margin,
    };
    // Behind a tab.
    if (room.width <= 0 || room.height <= 0) return;
    const scale = fitPicture(this.#canvas, room, devicePixelRatio, !isFullScreen);
    const { style } = this.#canvas;
    style.width = `${scale.width}px`;
    style.height = `${scale.height}px`;
    style.imageRendering = scale.pixelated ? 'pixelated' : 'auto';
  }

  #mirrorLater(): void {
    this.#mirrorTimer ??= setTimeout(() => {
      this.#mirrorTimer = null;
      this.#mirror.textContent = this.text();
    }, mirrorMs);
  }
}
