/** The consoles of a guest as text, for the message of an error. */
import type { Page } from '@playwright/test';
import { callMachine } from './call-machine.ts';
import type { TappedWindow } from './page-tap.ts';

declare const window: Partial<TappedWindow> & Window;

const shownLines = 40;

/** The end of the serial console, and the text on the screen. Never throws. */
export async function consoles(page: Page): Promise<string> {
  const failed = (error: Error) => `(${error.message.split('\n')[0]})`;
  const [serial, screen] = await Promise.all([
    page.evaluate(() => window.holdfastTap?.read('serial0', 0).text ?? '').catch(failed),
    screenInWords(page).catch(failed),
  ]);
  const lines = serial.split('\n').slice(-shownLines).join('\n');
  return `--- serial console ---\n${lines}\n--- screen ---\n${screen.trimEnd()}`;
}

/** The text on the guest's screen, or a note that it shows graphics. */
export function screenInWords(page: Page): Promise<string> {
  return callMachine(
    page,
    async (machine) => {
      const screen = await machine.screen();
      if (screen.mode === 'text') return machine.screenText();
      const size = `${screen.width} x ${screen.height} pixels`;
      return `(The guest shows graphics, ${size}: there is no text to read. A picture shows it.)`;
    },
    undefined,
  );
}
