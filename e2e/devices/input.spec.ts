import { prompt, shownPrompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { pressOnScreen, typeOnScreen, waitForShown } from '../support/playground-view.ts';
import { expect, test } from '../support/test.ts';

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(
  '',
);

test('every printable ASCII character that is typed in the terminal arrives', async ({ guest }) => {
  const { keyboard } = guest.page;
  await playground(guest.page).terminal.click();
  // Nothing but the terminal line stands between the keyboard and the file.
  await keyboard.type('cat >/tmp/typed');
  await keyboard.press('Enter');
  await guest.waitForSerial(/typed\r\n/);
  await keyboard.type(printable);
  await keyboard.press('Enter');
  await keyboard.press('Control+KeyD');
  expect((await guest.run('cat /tmp/typed')).output).toBe(`${printable}\n`);
});

test('every printable ASCII character that is typed on the screen arrives', async ({ guest }) => {
  await waitForShown(guest, shownPrompt);
  await typeOnScreen(guest, 'cat >/tmp/typed\n');
  await waitForShown(guest, /cat >\/tmp\/typed\n/);
  await typeOnScreen(guest, `${printable}\n`);
  await pressOnScreen(guest, 'Control+KeyD');
  await waitForShown(guest, /\n.*holdfast:~#\s*$/);
  expect((await guest.run('cat /tmp/typed')).output).toBe(`${printable}\n`);
});

test('control keys reach the programs of the guest', async ({ guest }) => {
  await guest.serial.write('sleep 1000\n');
  await guest.waitForSerial(/sleep 1000\r\n/);
  await playground(guest.page).terminal.click();
  const from = await guest.serial.end();
  await guest.page.keyboard.press('Control+KeyC');
  await guest.waitForSerial(prompt, { from });

  await typeOnScreen(guest, 'slwep');
  for (let i = 0; i < 3; i++) await pressOnScreen(guest, 'ArrowLeft');
  await pressOnScreen(guest, 'Backspace');
  await typeOnScreen(guest, 'l');
  await pressOnScreen(guest, 'Delete');
  await waitForShown(guest, /holdfast:~# slep\s*$/);
});
