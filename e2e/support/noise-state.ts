/** The state of a Linux guest with a file of noise in its memory, which compresses to nothing less. */
import type { Browser } from '@playwright/test';
import { prompt } from './linux-guest.ts';
import { type Guest, openGuest, Site } from './test.ts';

const noiseMiB = 12;

export interface NoiseState {
  file: Buffer;
  /** SHA-256 of /tmp/noise. */
  digest: string;
}

export async function noiseState(browser: Browser, siteRoot: string): Promise<NoiseState> {
  const site = await Site.serve({ root: siteRoot });
  const context = await browser.newContext();
  const guest = await openGuest(context, `${site.url}?durable=off`);
  await guest.waitForSerial(prompt);
  const fill = `dd if=/dev/urandom of=/tmp/noise bs=1M count=${noiseMiB} 2>/dev/null`;
  await guest.run(fill, { timeout: 120_000 });
  const { output } = await guest.run('sha256sum /tmp/noise', { timeout: 120_000 });
  const file = await exportedFile(guest);
  await context.close();
  await site.close();
  return { file, digest: output.slice(0, 64) };
}

export async function exportedFile(guest: Guest): Promise<Buffer> {
  const text = await guest.machine(async (machine) => {
    const blob = await new Response(machine.exportState()).blob();
    return new Promise<string>((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result));
      reader.readAsDataURL(blob);
    });
  });
  return Buffer.from(text.replace(/^[^,]*,/, ''), 'base64');
}
