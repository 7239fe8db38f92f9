import { ScreenCanvas } from '../../view/screen-canvas.ts';
import { fitPicture } from '../../view/screen-scale.ts';
import type { Session } from '../session/session.ts';
import { element } from '../ui/element.ts';
import { download } from '../ui/files.ts';

/** Around the picture, for its focus ring. */
const marginPx = 6;
/** Largest age of the text for screen readers. */
const mirrorMs = 1000;

/** The guest's VGA screen. The canvas has exactly the guest's pixels; CSS scales it. */
export class ScreenView {
  readonly #container = element('screen', HTMLElement);
  readonly #canvas = element('screen-canvas', HTMLCanvasElement);
  readonly #screen = new ScreenCanvas(
    this.#canvas,
    () => this.#pictureChanged(),
    () => this.#mirrorLater(),
  );
  readonly #detail = element('screen-detail', HTMLElement);
  readonly #mirror = element('screen-text', HTMLElement);
  #mirrorTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(session: Session) {
    session.onMachine((machine) => this.#screen.follow(machine));
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

  /** The text of a text screen. Empty in graphics mode. */
  text(): string {
    return this.#screen.text();
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
      // Chromium's keyboard lock gives the page Escape, Ctrl+W and the like.
      const { keyboard } = navigator as { keyboard?: { lock?(): Promise<void> } };
      await keyboard?.lock?.();
    } catch (error) {
      // The browser may refuse. The page stays as it is.
      console.warn('No full screen, or not with all keys:', error);
    }
  }

  /** Saves the screen as a PNG file. */
  saveScreenshot(): void {
    this.#canvas.toBlob((blob) => {
      if (!blob) return;
      const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
      download(`holdfast-${time}.png`, blob);
    }, 'image/png');
  }

  #pictureChanged(): void {
    const { width, height } = this.#canvas;
    const text = this.#screen.textSize;
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
    // The screen is behind a tab.
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
