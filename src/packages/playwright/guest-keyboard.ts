/** The PC's keyboard. */
import type { Page } from '@playwright/test';
import type { SendKeyOptions } from '../../client/typist.ts';
import type { KeyboardLayout } from '../../protocol/keyboard-layout-names.ts';
import { parseBootCommand } from './boot-command.ts';
import { callMachine } from './call-machine.ts';
import type { GuestScreen } from './guest-screen.ts';
import { brief, step } from './step.ts';
import type { WaitOptions } from './wait-options.ts';

export interface TypeOptions {
  /** Interval between two keys, ms. Default 8. */
  delay?: number;
  /** Keyboard layout that the guest is set to. Default: the machine option `keyboardLayout`, or `us`. */
  layout?: KeyboardLayout;
}

export class GuestKeyboard {
  readonly #page: () => Page;
  readonly #screen: GuestScreen;

  constructor(page: () => Page, screen: GuestScreen) {
    this.#page = page;
    this.#screen = screen;
  }

  press(keys: string, options: SendKeyOptions = {}): Promise<void> {
    return step(`press ${keys}`, () =>
      callMachine(this.#page(), (machine, [names, how]) => machine.sendKey(names, how), [
        keys,
        options,
      ] as const),
    );
  }

  type(text: string, { delay, layout }: TypeOptions = {}): Promise<void> {
    const options = {
      ...(delay !== undefined && { delayMs: delay }),
      ...(layout && { layout }),
    };
    return step(`type ${brief(text)}`, () =>
      callMachine(this.#page(), (machine, [typed, how]) => machine.type(typed, how), [
        text,
        options,
      ] as const),
    );
  }

  async bootCommand(
    command: string | readonly string[],
    options: TypeOptions & WaitOptions = {},
  ): Promise<void> {
    for (const action of parseBootCommand(command)) {
      switch (action.do) {
        case 'type':
          await this.type(action.text, options);
          break;
        case 'press':
          await this.press(action.keys);
          break;
        case 'wait-for-text':
          await step(`wait for text ${action.pattern}`, () =>
            this.#screen.waitForText(action.pattern, options),
          );
          break;
        case 'wait-for-still-screen':
          await step('wait for a still screen', () => this.#screen.waitForStill(options));
          break;
        case 'pause':
          await step(`wait ${action.ms} ms`, () => this.#page().waitForTimeout(action.ms));
      }
    }
  }
}
