/**
 * The whole guest as a state file, between its page and this computer. It travels as a download and as a
 * chosen file. The result of a call would be in the trace of the test, as large as it is.
 */
import type { Page } from '@playwright/test';
import type { OpenStateOptions } from '../../client/types.ts';
import { callMachine } from './call-machine.ts';

/** Writes the guest to a state file while it runs. */
export async function saveState(page: Page, path: string): Promise<void> {
  const downloading = page.waitForEvent('download', { timeout: 0 });
  const made = callMachine(
    page,
    async (machine) => {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      const reader = machine.exportState().getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        chunks.push(value as Uint8Array<ArrayBuffer>);
      }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob(chunks));
      link.download = 'guest.state';
      link.click();
      return link.href;
    },
    undefined,
  );
  // If the page closes meanwhile, `made` rejects as well and reports it.
  downloading.catch(() => {});
  const url = await made;
  const download = await downloading;
  await download.saveAs(path);
  await download.delete();
  await page.evaluate((address) => URL.revokeObjectURL(address), url);
}

/** Replaces the guest by the one of a state file. */
export async function openState(
  page: Page,
  path: string,
  options: Pick<OpenStateOptions, 'runtime' | 'identity' | 'replace'>,
): Promise<void> {
  const id = 'holdfast-state';
  await page.evaluate((name) => {
    const input = Object.assign(document.createElement('input'), { type: 'file', id: name });
    input.hidden = true;
    document.body.append(input);
  }, id);
  await page.locator(`#${id}`).setInputFiles(path);
  await callMachine(
    page,
    async (machine, [name, given]) => {
      const input = document.getElementById(name) as HTMLInputElement;
      const [file] = input.files ?? [];
      if (!file) throw new Error('The page was given no state file.');
      await machine.openState(file, given);
      input.remove();
    },
    [id, options] as const,
  );
}
