/** What a guest plays comes out of the page: see tools/guests/sound. */
import type { Page } from '@playwright/test';
import { soundBootSector } from '../tools/guests/sound/boot-sector.ts';
import { expect, type Guest, test } from './test.ts';

const floppyBytes = 1_474_560;

function soundFloppy(): Uint8Array {
  const image = new Uint8Array(floppyBytes);
  image.set(Buffer.from(soundBootSector, 'base64'));
  image.set([0x55, 0xaa], 510);
  return image;
}

/** The guest starts or ends a sound: it answers a letter with its capital. */
async function command(guest: Guest, letter: 'w' | 'q' | 'b' | 'n'): Promise<void> {
  const from = await guest.serial.end();
  await guest.serial.write(letter);
  await guest.waitForSerial(new RegExp(letter.toUpperCase()), { from });
}

/** Lets {@link loudest} hear what the page plays. */
function tap(): void {
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
    if (args[0] instanceof AudioDestinationNode) {
      const analyser = new AnalyserNode(this.context, { fftSize: 4096 });
      Reflect.apply(connect, this, [analyser]);
      Object.assign(globalThis, { analyser });
    }
    return Reflect.apply(connect, this, args);
  } as typeof connect;
}

/** The loudest tone that the page plays, Hz; 0 where it plays none. */
const loudest = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const { analyser } = globalThis as { analyser?: AnalyserNode };
    // A page that is muted stops its audio, and the analyser keeps what it heard last.
    if (analyser?.context.state !== 'running') return 0;
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const at = levels.reduce((best, level, i) => (level > (levels[best] ?? 0) ? i : best), 0);
    // Decibels.
    if ((levels[at] ?? 0) < -60) return 0;
    return (at * analyser.context.sampleRate) / analyser.fftSize;
  });

const soundSeconds = (page: Page): Promise<number> =>
  page.evaluate(
    () => (globalThis as { analyser?: AnalyserNode }).analyser?.context.currentTime ?? 0,
  );

async function expectTone(page: Page, hz: number): Promise<void> {
  // Half the width of a band to either side.
  await expect
    .poll(async () => Math.abs((await loudest(page)) - hz), { message: `A tone of ${hz} Hz` })
    .toBeLessThan(12);
}

test.beforeEach(async ({ site }) => {
  // In the place of a guest that the page knows.
  await site.put('guests/pattern/text.img', soundFloppy());
});

test.use({ guestQuery: '?guest=pattern-text&m=16&sound=1&durable=off', guestReady: /R/ });

test('a page plays what its guest plays, across a live update and a reload', async ({
  page,
  guest,
}) => {
  await page.addInitScript(tap);
  await guest.reloadPage();
  const mute = page.getByRole('button', { name: 'Mute' });
  await expect(mute).toBeVisible();

  await command(guest, 'b');
  // Browsers let a page make noise once it is used.
  await page.locator('#screen-canvas').click();
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

  // The guest's driver got its interrupts all along, heard or not.
  const from = await guest.serial.end();
  await guest.waitForSerial(/[.]{8}/, { from });
  await command(guest, 'q');
  await expectTone(page, 0);
});
