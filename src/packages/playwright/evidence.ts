/** Evidence of a failed test with a guest. */
import { type TestInfo, test } from '@playwright/test';
import type { Guest } from './guest.ts';
import { saveState } from './guest-state.ts';
import { screenInWords } from './shown-consoles.ts';

/**
 * Attaches evidence of a failure: the whole serial log, and the screen as text and as a picture. A state
 * file, for `machine.openState`, holds the guest itself.
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
      // A guest that is gone has no more evidence. The test's own error has the reason.
      await testInfo.attach(`${name} (not available)`, { body: String(error) });
    }
  };
  await attach('serial0.log', 'text/plain', () => guest.serial.log());
  await attach('screen.txt', 'text/plain', () => screenInWords(guest.page));
  await attach('screen.png', 'image/png', () => guest.screenshot());
  await attachState(guest, testInfo);
}

/**
 * The state is in the report, but not in the trace as well, because it is large. Playwright copies the
 * attachments of a step into the trace when the step ends.
 */
async function attachState(guest: Guest, testInfo: TestInfo): Promise<void> {
  const name = 'guest.state';
  const path = testInfo.outputPath(name);
  const contentType = 'application/octet-stream';
  let attached: TestInfo['attachments'][number] | undefined;
  try {
    await saveState(guest.page, path);
    await test.step(`Attach "${name}"`, async () => {
      testInfo.attachments.push({ name, path, contentType });
      attached = testInfo.attachments.at(-1);
      delete attached?.path;
    });
  } catch (error) {
    await testInfo.attach(`${name} (not available)`, { body: String(error) });
  } finally {
    if (attached) attached.path = path;
  }
}
