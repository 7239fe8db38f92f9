import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';

export type MouseButton = 'left' | 'middle' | 'right';

/** The PC's mouse. */
export class GuestMouse {
  readonly #page: () => Page;
  readonly #down = new Set<MouseButton>();

  constructor(page: () => Page) {
    this.#page = page;
  }

  /** Moves the mouse by so many counts, to the right and down. */
  move(dx: number, dy: number): Promise<void> {
    // A PS/2 mouse counts upwards.
    return callMachine(this.#page(), (machine, [x, y]) => machine.mouseDelta(x, y), [
      dx,
      -dy,
    ] as const);
  }

  /** Moves the mouse to a pixel of the screen: for guests with absolute positions (a VMware mouse). */
  moveTo(x: number, y: number): Promise<void> {
    return callMachine(
      this.#page(),
      async (machine, [toX, toY]) => {
        const contents = await machine.screen();
        const { width, height } =
          contents.mode === 'graphics'
            ? contents
            : {
                width: contents.screen.cols * contents.font.width,
                height: contents.screen.rows * contents.font.height,
              };
        await machine.mouseAbsolute(toX, toY, width, height);
      },
      [x, y] as const,
    );
  }

  async down(button: MouseButton = 'left'): Promise<void> {
    this.#down.add(button);
    await this.#buttons();
  }

  async up(button: MouseButton = 'left'): Promise<void> {
    this.#down.delete(button);
    await this.#buttons();
  }

  async click(button: MouseButton = 'left'): Promise<void> {
    await this.down(button);
    await this.up(button);
  }

  /** Turns the wheel by so many notches, towards the user, as a page scrolls down. */
  wheel(notches: number): Promise<void> {
    return callMachine(this.#page(), (machine, delta) => machine.mouseWheel(delta), -notches);
  }

  #buttons(): Promise<void> {
    const { left, middle, right } = {
      left: this.#down.has('left'),
      middle: this.#down.has('middle'),
      right: this.#down.has('right'),
    };
    return callMachine(this.#page(), (machine, [a, b, c]) => machine.mouseButtons(a, b, c), [
      left,
      middle,
      right,
    ] as const);
  }
}
