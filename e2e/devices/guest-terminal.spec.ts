/** Tests the guest's terminal sizes, and the state of its screen. */
import { gunzipSync } from 'node:zlib';
import { debianFile } from '../support/debian-packages.ts';
import { prompt } from '../support/linux-guest.ts';
import { shownScreen, waitForShown } from '../support/playground-view.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { expect, type Guest, test } from '../support/test.ts';

test.use({ guestQuery: '?boot=prompt' });

declare const window: PlaygroundWindow;

/** Rows and columns of the terminal in the page, as `stty size` says them. */
const terminalSize = (guest: Guest) =>
  guest.page.evaluate(() => {
    const { cols, rows } = window.holdfast?.terminalSize() ?? {};
    return `${rows} ${cols}\n`;
  });

test('[K10] the guest knows how large its terminal is, from the start and when that changes', async ({
  guest,
}) => {
  const known = async () => (await guest.execute('stty -F /dev/ttyS0 size')).stdout;
  // The page moves its parts while it opens.
  const isKnown = async () => (await known()) === (await terminalSize(guest));
  await expect.poll(isKnown).toBe(true);
  await expect
    .poll(async () => (await guest.run('stty size')).output === (await terminalSize(guest)))
    .toBe(true);
  expect(await guest.serial.log()).not.toContain('run: resize');

  const before = await terminalSize(guest);
  await guest.page.setViewportSize({ width: 1300, height: 500 });
  await expect.poll(() => terminalSize(guest)).not.toBe(before);
  await expect.poll(isKnown).toBe(true);

  // A full-screen program puts its last line where the terminal's is.
  const [rows] = (await terminalSize(guest)).split(' ');
  const from = await guest.serial.end();
  await guest.serial.write('vi /tmp/new\n');
  await guest.waitForSerial(new RegExp(`\\x1b\\[${rows};1H`), { from });
  await guest.serial.write(':q!\n');
  await guest.waitForSerial(prompt, { from });

  // After a restore to a time with another size, the guest receives the size again.
  const snapshot = await guest.snapshot();
  await guest.page.setViewportSize({ width: 1300, height: 900 });
  await expect.poll(isKnown).toBe(true);
  await guest.restore(snapshot);
  await expect.poll(isKnown).toBe(true);
});

test("[K6] the text of a screen is read with the guest's own font, and with any that it loads", async ({
  guest,
}) => {
  const show = (text: string) => guest.succeed(`printf '\\033[2J\\033[H%s' '${text}' >/dev/tty1`);
  const western = 'Grüße: äöü ÄÖÜ éèñ ½ ░█';
  await show(western);
  await waitForShown(guest, new RegExp(`^${western}$`, 'm'));
  expect((await guest.screenText()).split('\n')[0]).toBe(western);

  const fonts = [
    ['console-data', 'lat9w-16', 'Zürich kostet 5 € für œuvres'],
    ['console-setup-linux', 'Uni2-VGA16', 'Привет, ąęł, größer'],
  ] as const;
  for (const [name, font, text] of fonts) {
    const file = await debianFile(name, `usr/share/consolefonts/${font}.psf.gz`);
    test.skip(!file, "Debian's fonts cannot be had here");
    await guest.copyIn(gunzipSync(file as Uint8Array), '/tmp/font');
    await guest.succeed('loadfont </tmp/font');
    await show(text);
    await waitForShown(guest, new RegExp(`^${text}$`, 'm'));
    expect((await guest.screenText()).split('\n')[0]).toBe(text);
    expect((await shownScreen(guest)).split('\n')[0]).toBe(text);
  }
});
