import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { shownScreen, shownTerminal, waitForShown } from '../support/playground-view.ts';
import { expect, type Guest, test } from '../support/test.ts';

/** A guest that counts, a line for each number. */
const count = 'i=0; while :; do i=$((i+1)); echo "n $i"; usleep 2000; done\n';

function numbersIn(text: string): number[] {
  return [...text.matchAll(/^n (\d+)\r?$/gm)].map(([, number]) => Number(number));
}

async function nextNumber(guest: Guest): Promise<number> {
  const from = await guest.serial.end();
  const [, number] = await guest.waitForSerial(/\nn (\d+)\r\n/, { from });
  return Number(number);
}

const keeperId = (guest: Guest) => guest.machine((machine) => machine.keeper.instanceId);

test('over 20 reloads a counting guest stays the same guest and no line of it is lost', {
  tag: '@slow',
}, async ({ guest }) => {
  const keeper = await keeperId(guest);
  await guest.serial.write(count);
  let last = await nextNumber(guest);
  for (let reload = 0; reload < 20; reload++) {
    await guest.reloadPage();
    expect(await keeperId(guest)).toBe(keeper);
    const number = await nextNumber(guest);
    expect(number).toBeGreaterThan(last);
    last = number;
  }

  const from = await guest.serial.end();
  await guest.serial.write('\x03');
  await guest.waitForSerial(prompt, { from });
  const written = numbersIn(await guest.serial.log());
  const total = written.at(-1) ?? 0;
  expect(total).toBeGreaterThanOrEqual(last);
  expect(written).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  // xterm.js draws its input a little later.
  await expect.poll(async () => numbersIn(await shownTerminal(guest))).toEqual(written);
});

test('a reload shows terminal and screen at once, even of a guest that says nothing', {
  tag: '@quick',
}, async ({ guest }) => {
  await guest.run("printf '\\033[2J\\033[Hon the screen' >/dev/tty1; echo on the terminal");
  await waitForShown(guest, /^on the screen$/m);
  await expect.poll(() => shownTerminal(guest)).toMatch(/^on the terminal$/m);
  await guest.machine((machine) => machine.pause());
  const [terminal, screen] = [await shownTerminal(guest), await shownScreen(guest)];

  await guest.reloadPage();
  await expect.poll(() => shownTerminal(guest)).toBe(terminal);
  await expect.poll(() => shownScreen(guest)).toBe(screen);
  expect((await guest.status()).runstate).toBe('paused');
});

test('a page says whether it booted the guest or found it there', async ({ guest }) => {
  const found = playground(guest.page).state('found');
  await expect(found).toHaveText('booted here');
  const { bootedAtMs } = await guest.status();
  await guest.reloadPage();
  await expect(found).toHaveText('attached to a running guest');
  expect((await guest.status()).bootedAtMs).toBe(bootedAtMs);
});

test('the terminal has the focus in a new page, and not after a reload without it', async ({
  guest,
}) => {
  const { page } = guest;
  const terminal = page.getByRole('textbox', { name: 'Serial console of the guest' });
  await expect(terminal).toBeFocused();
  const from = await guest.serial.end();
  await page.keyboard.type('echo typed-$((6*7))\n');
  await guest.waitForSerial(/typed-42/, { from });

  await page.keyboard.press('Control+Alt+G');
  await expect(terminal).not.toBeFocused();
  await guest.reloadPage();
  await expect(playground(page).state('found')).toHaveText('attached to a running guest');
  await expect(terminal).not.toBeFocused();

  await page.keyboard.press('Control+Alt+1');
  await guest.reloadPage();
  await expect(terminal).toBeFocused();
});
