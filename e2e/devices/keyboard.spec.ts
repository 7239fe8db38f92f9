/** Keys as browsers send them, and text that is pasted or typed on a phone. */

import type { Locator } from '@playwright/test';
import { useGermanKeymap } from '../support/german-keymap.ts';
import { promptText, shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { shownScreen, shownTerminal, waitForShown } from '../support/playground-view.ts';
import { expect, type Guest, test } from '../support/test.ts';

const atPrompt = { guestQuery: '?boot=prompt' };

/** Presses and releases keys, with members of the event that Playwright cannot set. */
interface Key {
  code: string;
  key: string;
  keyCode?: number;
  ctrlKey?: boolean;
  modifierCapsLock?: boolean;
  up?: boolean;
}

const press = (target: Locator, events: readonly Key[]) =>
  target.evaluate((element: HTMLElement, keys) => {
    element.focus();
    const { timeStamp } = new Event('now');
    for (const { up, ...init } of keys) {
      const type = up ? 'keyup' : 'keydown';
      const event = new KeyboardEvent(type, { ...init, bubbles: true, cancelable: true });
      // All of one moment, as the two of AltGr are on Windows.
      Object.defineProperty(event, 'timeStamp', { value: timeStamp });
      element.dispatchEvent(event);
    }
  }, events);

/** As from the clipboard. */
const paste = (guest: Guest, text: string) =>
  playground(guest.page).screen.evaluate((canvas, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', pasted);
    canvas.focus();
    canvas.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }, text);

const contents = async (guest: Guest, path: string) => (await guest.execute(`cat ${path}`)).stdout;
const lastLine = async (guest: Guest) => (await shownScreen(guest)).trimEnd().split('\n').at(-1);

test.describe('a guest with a German keyboard', () => {
  test.use({ guestQuery: '?keyboard=de' });

  test('[K1] [K5] AltGr of Windows, pasted text and dead keys arrive as they are', async ({
    guest,
  }) => {
    await guest.succeed(useGermanKeymap);
    await waitForShown(guest, shownPrompt);
    const altGrAndQ = [
      { code: 'ControlLeft', key: 'Control' },
      { code: 'AltRight', key: 'AltGraph' },
      { code: 'KeyQ', key: '@' },
      { code: 'KeyQ', key: '@', up: true },
      { code: 'ControlLeft', key: 'Control', up: true },
      { code: 'AltRight', key: 'AltGraph', up: true },
    ];
    await press(playground(guest.page).screen, altGrAndQ);
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}@`);

    // Not ~, which is a dead key on some German keyboards and none on others.
    const text = 'Zürich: y/z {[@\\]} ß ^ é';
    await press(playground(guest.page).screen, [
      { code: 'Backspace', key: 'Backspace' },
      { code: 'Backspace', key: 'Backspace', up: true },
    ]);
    await paste(guest, `cat >/tmp/pasted\n${text}\n`);
    await expect.poll(() => contents(guest, '/tmp/pasted')).toBe(`${text}\n`);
    await guest.machine((machine, typed) => machine.type(typed), `${text}\n`);
    await expect.poll(() => contents(guest, '/tmp/pasted')).toBe(`${text}\n${text}\n`);
    const refused = await guest.machine((machine) => machine.type('ñ→')).catch((thrown) => thrown);
    expect(refused).toMatchObject({
      code: 'bad-command',
      message: expect.stringMatching(/German.*ñ →/),
    });
  });
});

test.describe('a guest with a US keyboard', () => {
  test.use(atPrompt);

  test('[K7] [K9] a phone shows which characters were left out, and Caps Lock is as the user has it', async ({
    guest,
  }) => {
    await waitForShown(guest, shownPrompt);
    await guest.page.getByRole('textbox', { name: "Text for the guest's keyboard" }).focus();
    await guest.page.keyboard.insertText('naïve 👍 ok');
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}nave  ok`);
    const notice = guest.page.getByText(/has no key for: ï 👍/);
    await expect(notice).toBeVisible();

    // The user's lock light is on, but the guest has not received the key press.
    const letter = { code: 'KeyB', key: 'B', modifierCapsLock: true };
    await press(playground(guest.page).screen, [letter, { ...letter, up: true }]);
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}nave  okB`);
    const plain = { code: 'KeyB', key: 'b' };
    await press(playground(guest.page).screen, [plain, { ...plain, up: true }]);
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}nave  okBb`);
    // Pasted text arrives as it is, with Caps Lock on as well.
    await press(playground(guest.page).screen, [letter, { ...letter, up: true }]);
    await paste(guest, 'aA');
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}nave  okBbBaA`);
    // So does a program's text, and the user's next key is still what it says.
    await guest.machine((machine) => machine.type('a'));
    await press(playground(guest.page).screen, [letter, { ...letter, up: true }]);
    await guest.machine((machine) => machine.type('a'));
    await press(playground(guest.page).screen, [letter, { ...letter, up: true }]);
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}nave  okBbBaAaBaB`);
  });

  test('[K4] 513 keys in one call and 700 while it stands still arrive, all and in order', async ({
    guest,
  }) => {
    await waitForShown(guest, shownPrompt);
    await guest.machine((machine) => machine.type('stty -icanon; cat >/tmp/typed\n'));
    await guest.waitForFile('/tmp/typed');
    const keys = (count: number) =>
      Array.from({ length: count }, (_, i) => [0x02 + (i % 9), 0x82 + (i % 9)]).flat();
    await guest.machine((machine, codes) => machine.scancodes(codes), keys(513));
    await guest.pause();
    for (let i = 0; i < 7; i++)
      await guest.machine((machine, codes) => machine.scancodes(codes), keys(100));
    await guest.resume();
    const digits = (count: number) => Array.from({ length: count }, (_, i) => (i % 9) + 1).join('');
    await expect
      .poll(() => contents(guest, '/tmp/typed'), { timeout: 100_000 })
      .toBe(digits(513) + digits(100).repeat(7));
  });

  test('[K8] Esc and Ctrl reach the terminal while an input method is on', async ({ guest }) => {
    const from = await guest.serial.end();
    await guest.serial.write('cat >/tmp/typed\n');
    await guest.waitForFile('/tmp/typed');
    const under = (code: string, more: { ctrlKey?: boolean } = {}) => ({
      code,
      key: 'Process',
      keyCode: 229,
      ...more,
    });
    const terminal = playground(guest.page).terminalInput;
    await press(terminal, [under('Escape'), under('KeyJ', { ctrlKey: true })]);
    await expect.poll(() => contents(guest, '/tmp/typed')).toBe('\x1b\n');
    await press(terminal, [under('KeyC', { ctrlKey: true })]);
    await guest.waitForSerial(/\^C[\s\S]*holdfast:~# /, { from });
  });

  test('[K3] what is typed right after a reload arrives, and no answer of the terminal with it', {
    tag: '@slow',
  }, async ({ guest }) => {
    test.slow();
    await guest.run('seq 15000', { timeout: 120_000 });
    // The shell queries the terminal for its cursor. On a busy computer the page is thousands of
    // lines behind: its answer must not arrive after the shell was replaced.
    await expect
      .poll(async () => (await shownTerminal(guest)).slice(-40), { timeout: 60_000 })
      .toMatch(/holdfast:~# *$/);
    await guest.serial.write('cat >/tmp/early\n');
    await guest.waitForFile('/tmp/early');
    const text = 'abcdefghijklmnopqrstuvwxyz0123456789';
    const { page } = guest;
    for (let round = 1; round <= 3; round++) {
      await page.reload({ waitUntil: 'commit' });
      await expect(playground(page).terminalInput).toBeFocused();
      await page.keyboard.type(text, { delay: 40 });
      await page.keyboard.press('Enter');
      await guest.attached();
      await expect
        .poll(async () => (await contents(guest, '/tmp/early')).split('\n'))
        .toEqual([...Array(round).fill(text), '']);
    }

    // So does what is typed on the screen, from the moment on at which it has the focus.
    await playground(page).screen.focus();
    await page.addInitScript(() => {
      const typeE = ({ target }: Event) => {
        if (!(target instanceof HTMLCanvasElement)) return;
        document.removeEventListener('focusin', typeE);
        const init = { code: 'KeyE', key: 'e', bubbles: true, cancelable: true };
        for (const type of ['keydown', 'keyup'])
          target.dispatchEvent(new KeyboardEvent(type, init));
      };
      document.addEventListener('focusin', typeE);
    });
    await page.reload();
    await guest.attached();
    await expect(playground(page).screen).toBeFocused();
    await expect.poll(() => lastLine(guest)).toBe(`${promptText}e`);
  });
});
