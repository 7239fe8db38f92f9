/** The guest's VGA screen: its text, its pixels, and waiting for either. */
import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';
import { consoles } from './shown-consoles.ts';
import { waitLimit } from './test-time.ts';
import type { WaitOptions } from './wait-options.ts';

export interface StillScreenOptions extends WaitOptions {
  /** Time without a change, ms. Default 1,000. */
  stillFor?: number;
}

/** A part of the guest's screen, in its own pixels. */
export interface ScreenArea {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Parts that are not compared: areas, or on a text screen the matches of an expression. */
export type ScreenMask = ScreenArea | RegExp;

/** Playwright's own mask colour, so that it is not taken for a colour of the guest. */
const maskColour = '#ff00ff';

export class GuestScreen {
  readonly #page: () => Page;

  constructor(page: () => Page) {
    this.#page = page;
  }

  text(): Promise<string> {
    return callMachine(this.#page(), (machine) => machine.screenText(), undefined);
  }

  /** Resolves with the match. With `shown` false, resolves with null once nothing matches any more. */
  async waitForText(
    pattern: RegExp,
    { timeout, shown = true }: WaitOptions & { shown?: boolean } = {},
  ): Promise<RegExpMatchArray | null> {
    const limit = waitLimit(timeout);
    const { isAsWanted, match } = await callMachine(
      this.#page(),
      async (machine, wanted) => {
        const expression = new RegExp(wanted.source, wanted.flags);
        const endMs = performance.now() + wanted.timeout;
        for (;;) {
          const found = expression.exec(await machine.screenText());
          if ((found !== null) === wanted.shown)
            return { isAsWanted: true, match: found && [...found] };
          if (performance.now() > endMs) return { isAsWanted: false, match: null };
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      },
      {
        source: pattern.source,
        flags: pattern.flags.replace(/[gy]/g, ''),
        timeout: limit.ms,
        shown,
      },
    );
    if (isAsWanted) return match as RegExpMatchArray | null;
    throw new Error(
      `The screen ${shown ? 'did not show' : 'did not stop to show'} ${pattern} ${limit.within}.\n` +
        (await consoles(this.#page())),
    );
  }

  async waitForStill({ stillFor = 1000, timeout }: StillScreenOptions = {}): Promise<void> {
    const limit = waitLimit(timeout);
    const isStill = await callMachine(
      this.#page(),
      async (machine, { stillMs, limitMs }) => {
        const beganMs = performance.now();
        let last: ArrayLike<number> = [];
        let sinceMs = beganMs;
        for (;;) {
          const contents = await machine.screen();
          // The cursor is left out, because it may blink.
          const now = contents.mode === 'text' ? contents.screen.cells : contents.pixels;
          const nowMs = performance.now();
          let same = now.length === last.length;
          for (let index = 0; same && index < now.length; index++)
            same = now[index] === last[index];
          if (!same) {
            last = now;
            sinceMs = nowMs;
          }
          if (nowMs - sinceMs >= stillMs) return true;
          if (nowMs - beganMs > limitMs) return false;
          await new Promise((resolve) => setTimeout(resolve, Math.min(100, stillMs / 2)));
        }
      },
      { stillMs: stillFor, limitMs: limit.ms },
    );
    if (isStill) return;
    throw new Error(
      `The screen did not stand still for ${stillFor} ms ${limit.within}.\n` +
        (await consoles(this.#page())),
    );
  }

  /** A PNG. Text is drawn as a VGA does. */
  async png(mask: readonly ScreenMask[] = []): Promise<Buffer> {
    const areas = mask.filter((part): part is ScreenArea => !(part instanceof RegExp));
    const patterns = mask
      .filter((part) => part instanceof RegExp)
      .map(({ source, flags }) => ({ source, flags: `${flags.replace(/[gy]/g, '')}g` }));
    const base64 = await callMachine(
      this.#page(),
      async (machine, wanted) => {
        let png: Blob = new Blob([await machine.screenshot()], { type: 'image/png' });
        if (wanted.areas.length + wanted.patterns.length > 0) {
          const picture = await createImageBitmap(png);
          const { width, height } = picture;
          const canvas = new OffscreenCanvas(width, height);
          const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D;
          context.drawImage(picture, 0, 0);
          context.fillStyle = wanted.colour;
          for (const area of wanted.areas)
            context.fillRect(area.x, area.y, area.width, area.height);
          const screen = await machine.screen();
          if (screen.mode === 'text' && wanted.patterns.length > 0) {
            const lines = (await machine.screenText()).split('\n');
            const { font } = screen;
            for (const [row, line] of lines.entries()) {
              for (const { source, flags } of wanted.patterns) {
                for (const { index, 0: text } of line.matchAll(new RegExp(source, flags)))
                  context.fillRect(
                    index * font.width,
                    row * font.height,
                    text.length * font.width,
                    font.height,
                  );
              }
            }
          }
          png = await canvas.convertToBlob({ type: 'image/png' });
        }
        return new Promise<string>((resolve) => {
          const reader = new FileReader();
          reader.onload = () => resolve(String(reader.result).replace(/^.*?,/, ''));
          reader.readAsDataURL(png);
        });
      },
      { areas, patterns, colour: maskColour },
    );
    return Buffer.from(base64, 'base64');
  }
}
