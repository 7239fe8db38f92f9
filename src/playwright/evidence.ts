/** What to look at when something went wrong with a guest. */
import type { Page, TestInfo } from '@playwright/test';
import type { Guest } from './guest.ts';
import { callMachine } from './page-machine.ts';
import type { TappedWindow } from './page-tap.ts';

declare const window: Partial<TappedWindow> & Window;

const shownLines = 40;

/** The end of the serial console, and the text on the screen; never throws. */
export async function consoles(page: Page): Promise<string> {
  const failed = (error: Error) => `(${error.message.split('\n')[0]})`;
  const [serial, screen] = await Promise.all([
    page.evaluate(() => window.holdfastTap?.read('serial0', 0).text ?? '').catch(failed),
    callMachine(page, (machine) => machine.screenText(), undefined).catch(failed),
  ]);
  const lines = serial.split('\n').slice(-shownLines).join('\n');
  return `--- serial console ---\n${lines}\n--- screen ---\n${screen.trimEnd()}`;
}

/**
 * Attaches what a failed test needs: the whole serial log, the screen as text and as a picture, and
 * the guest itself, as a state file that `machine.openState` goes on with.
 */
export async function attachEvidence(guest: Guest, testInfo: TestInfo): Promise<void> {
  const attach = async (
    name: string,
    contentType: string,
    take: () => Promise<string | Buffer>,
  ): Promise<void> => {
    try {
      const body = await take();
      if (body.length > 0) await testInfo.attach(name, { body, contentType });
    } catch (error) {
      // A guest that is gone shows no more than that; the test's own error says why.
      await testInfo.attach(`${name} (not available)`, { body: String(error) });
    }
  };
  await attach('serial0.log', 'text/plain', () => guest.serial.log());
  await attach('screen.txt', 'text/plain', () => guest.screenText());
  await attach('screen.png', 'image/png', () => guest.screenshot());
  await attach('guest.state', 'application/octet-stream', () => stateFile(guest));
}

async function stateFile(guest: Guest): Promise<Buffer> {
  const base64 = await guest.machine(async (machine) => {
    const file = await new Response(machine.exportState()).blob();
    return new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).replace(/^.*?,/, ''));
      reader.readAsDataURL(file);
    });
  });
  return Buffer.from(base64, 'base64');
}
