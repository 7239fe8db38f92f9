/** The guest's own changes to the BIOS and the VGA ROM are kept, in both modes of CPR. */
import type { CprMode } from '../../src/index.ts';
import { romBootSector } from '../../tools/guests/rom/boot-sector.ts';
import { expect, type Guest, openGuest, Site, test } from '../support/test.ts';

const floppyBytes = 1_474_560;

function romFloppy(): Uint8Array {
  const image = new Uint8Array(floppyBytes);
  image.set(Buffer.from(romBootSector, 'base64'));
  image.set([0x55, 0xaa], 510);
  return image;
}

/** Returns the guest's view of its ROMs after it received `letter`: two bytes in hexadecimal. */
async function ask(guest: Guest, letter: 'r' | 'w'): Promise<string> {
  const from = await guest.serial.end();
  await guest.serial.write(letter);
  const [, bytes = ''] = await guest.waitForSerial(/rom (\w\w \w\w)\r\n/, { from });
  return bytes;
}

const inverted = (bytes: string) =>
  bytes.replace(/\w\w/g, (hex) => (255 - Number.parseInt(hex, 16)).toString(16).padStart(2, '0'));

for (const mode of ['restart', 'reboot'] satisfies CprMode[]) {
  test(`mode ${mode} keeps what the guest changed in its BIOS and VGA ROM`, async ({
    browser,
    siteRoot,
  }) => {
    const site = await Site.serve({ root: siteRoot });
    // Replaces a guest that the page knows.
    await site.put('guests/pattern/text.img', romFloppy());
    const context = await browser.newContext();
    try {
      const guest = await openGuest(context, `${site.url}?guest=pattern-text&m=16`);
      await guest.waitForSerial(/rom\r\n/);
      const original = await ask(guest, 'r');
      const changed = await ask(guest, 'w');
      expect(changed).toBe(inverted(original));
      const { runtimeId } = await guest.status();
      const other = (await site.runtimes()).find(({ id }) => id !== runtimeId);
      if (!other) throw new Error('The build ships fewer than two runtimes.');
      await guest.machine(
        async (machine, [how, runtime]) => {
          const saved = await machine.cprSave(
            { kind: 'bytes' },
            { mode: how, ...(how === 'restart' && { runtime }) },
          );
          await machine.cprLoad(
            { kind: 'bytes', bytes: saved.bytes ?? new Uint8Array() },
            how === 'reboot' ? { runtime } : {},
          );
        },
        [mode, other] as const,
      );
      expect((await guest.status()).runtimeId).toBe(other.id);
      expect(await ask(guest, 'r')).toBe(changed);
    } finally {
      await context.close();
      await site.close();
    }
  });
}
