import { expect, test } from './test.ts';

const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join(
  '',
);

test('every printable ASCII character that is typed in the terminal arrives', async ({ guest }) => {
  const { keyboard } = guest.page;
  await guest.page.locator('#terminal').click();
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
  await guest.waitForText(/holdfast:~#/);
  await guest.type('cat >/tmp/typed\n');
  await guest.waitForText(/cat >\/tmp\/typed\n/);
  await guest.type(`${printable}\n`);
  await guest.sendKey('Control+KeyD');
  await guest.waitForText(/\n.*holdfast:~#\s*$/);
  expect((await guest.run('cat /tmp/typed')).output).toBe(`${printable}\n`);
});

test('control keys reach the programs of the guest', async ({ guest }) => {
  await guest.serial.write('sleep 1000\n');
  await guest.waitForSerial(/sleep 1000\r\n/);
  await guest.page.locator('#terminal').click();
  const from = await guest.serial.end();
  await guest.page.keyboard.press('Control+KeyC');
  await guest.waitForSerial(/holdfast:~# /, { from });

  await guest.type('slwep');
  for (let i = 0; i < 3; i++) await guest.sendKey('ArrowLeft');
  await guest.sendKey('Backspace');
  await guest.type('l');
  await guest.sendKey('Delete');
  await guest.waitForText(/holdfast:~# slep\s*$/);
});
