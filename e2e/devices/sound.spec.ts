/** The page plays the guest's sound: see tools/guests/sound. */

import { playground } from '../support/playground-page.ts';
import { expectTone, soundFloppy, soundSeconds, tap } from '../support/sound-tap.ts';
import { expect, type Guest, test } from '../support/test.ts';

/** Starts or ends a sound in the guest, which answers a letter with its capital. */
async function command(guest: Guest, letter: 'w' | 'q' | 'b' | 'n'): Promise<void> {
  const from = await guest.serial.end();
  await guest.serial.write(letter);
  await guest.waitForSerial(new RegExp(letter.toUpperCase()), { from });
}

test.beforeEach(async ({ site }) => {
  // Replaces a guest that the page knows.
  await site.put('guests/pattern/text.img', soundFloppy());
});

test.use({ guestQuery: '?guest=pattern-text&m=16&sound=1&durable=off', guestReady: /R/ });

test('a page plays what its guest plays, across a live update and a reload', {
  tag: '@slow',
}, async ({ page, guest }) => {
  await page.addInitScript(tap);
  await guest.reloadPage();
  const mute = page.getByRole('button', { name: 'Mute' });
  await expect(mute).toBeVisible();

  await command(guest, 'b');
  // Browsers let a page make noise once it is used.
  await playground(page).screen.click();
  await expectTone(page, 1000);

  await guest.liveUpdate();
  const updatedAt = await soundSeconds(page);
  await expect.poll(() => soundSeconds(page)).toBeGreaterThan(updatedAt + 0.5);
  await expectTone(page, 1000);

  await command(guest, 'n');
  await expectTone(page, 0);
  await command(guest, 'w');
  await expectTone(page, 500);

  await mute.focus();
  await page.keyboard.press('Enter');
  await expect(mute).toHaveAttribute('aria-pressed', 'true');
  await expectTone(page, 0);
  await guest.reloadPage();
  await expect(mute).toHaveAttribute('aria-pressed', 'true');
  await mute.click();
  await expectTone(page, 500);

  // The guest's driver received its interrupts all the time, audible or not.
  const from = await guest.serial.end();
  await guest.waitForSerial(/[.]{8}/, { from });
  await command(guest, 'q');
  await expectTone(page, 0);
});
