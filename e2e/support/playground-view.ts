/** The visible state of the playground's guest, and its keyboard, as its user sees them. */

import { playground } from './playground-page.ts';
import type { PlaygroundWindow } from './playground-window.ts';
import { expect, type Guest } from './test.ts';
import { keyFor } from './us-keyboard.ts';

declare const window: PlaygroundWindow & Window;

/** Returns the text of the VGA screen as the page shows it; empty in graphics mode. */
export const shownScreen = (guest: Guest): Promise<string> =>
  guest.page.evaluate(() => window.holdfast?.screenText() ?? '');

/** Returns the text of the terminal in the page, scrollback included. */
export const shownTerminal = (guest: Guest): Promise<string> =>
  guest.page.evaluate(() => window.holdfast?.terminalText() ?? '');

/** Waits until the page shows it on the VGA screen. */
export const waitForShown = (guest: Guest, pattern: RegExp): Promise<void> =>
  expect.poll(() => shownScreen(guest), { timeout: 20_000 }).toMatch(pattern);

/** Types on the PC keyboard: real key events on the screen in the page. */
export async function typeOnScreen(guest: Guest, text: string): Promise<void> {
  const { keyboard } = guest.page;
  await playground(guest.page).screen.focus();
  for (const character of text) {
    const { code, shift } = keyFor(character);
    if (shift) await keyboard.down('ShiftLeft');
    await keyboard.press(code);
    if (shift) await keyboard.up('ShiftLeft');
  }
}

/** Presses a key or a combination as Playwright names them: `Enter`, `Control+KeyC`. */
export async function pressOnScreen(guest: Guest, name: string): Promise<void> {
  await playground(guest.page).screen.focus();
  await guest.page.keyboard.press(name);
}
