/** States of v86 itself: the page opens those of npm's v86, and exports its own for it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { loadCodec } from '../../src/state-file/format/codec.ts';
import { NewMachinePage } from '../support/new-machine-page.ts';
import { playground } from '../support/playground-page.ts';
import { shownTerminal } from '../support/playground-view.ts';
import { stockGuest } from '../support/stock-v86.ts';
import { expect, Guest, patternGuest, test, waitForPasses } from '../support/test.ts';

test.use(patternGuest);

const memoryMiB = 16;
const passes = (shown: string) => [...shown.matchAll(/pass (\d+)\r?$/gm)].map(([, n]) => Number(n));
const floppyPath = (siteRoot: string) => join(siteRoot, 'guests/pattern/text.img');
const dialog = (page: Page) => new NewMachinePage(page).dialog;
const field = (page: Page, label: string) => new NewMachinePage(page).field(label);

async function openStateFile({ page }: Guest, path: string): Promise<void> {
  await playground(page).chooseFile('Open state file…', path);
  await expect(dialog(page)).toBeVisible();
}

interface Saved {
  state: Buffer;
  /** Number of the last pass that the guest has counted. */
  last: number;
}

async function saveByV86(siteRoot: string): Promise<Saved> {
  const floppy = await readFile(floppyPath(siteRoot));
  const options = { firmware: join(siteRoot, 'firmware'), memoryMiB, floppy };
  const stock = await stockGuest(options, /pass 2\r\n/);
  return { state: await stock.save(), last: passes(stock.serial()).at(-1) ?? 0 };
}

let saved: Promise<Saved> | undefined;

/** Saved once for all tests that open it. */
function savedByV86(siteRoot: string): Promise<Saved> {
  saved ??= saveByV86(siteRoot);
  return saved;
}

for (const format of ['raw', 'zstd'] as const) {
  test(
    `a state that v86 saved resumes in a machine of its own: ${format}`,
    { tag: '@slow' },
    async ({ guest, siteRoot }, testInfo) => {
      const { page } = guest;
      const { state, last } = await savedByV86(siteRoot);
      const path = testInfo.outputPath(`saved.${format}`);
      const isRaw = format === 'raw';
      await writeFile(path, isRaw ? state : (await loadCodec()).compress(state, 3));

      await openStateFile(guest, path);
      // The machine's options are in the state.
      await expect(field(page, 'Memory').getByRole('textbox')).toHaveValue(String(memoryMiB));
      await expect(field(page, 'Serial ports').getByRole('textbox')).toHaveValue('1');
      await expect(field(page, 'virtio console').getByRole('combobox')).toHaveValue('off');
      // The contents of its drives are not.
      await expect(page.getByLabel('Boots')).toHaveValue('drives');
      await new NewMachinePage(page).pick('Floppy', floppyPath(siteRoot));
      const start = dialog(page).getByRole('button', { name: 'Start' });
      // Another machine does not take it, and the one that is here still runs.
      await field(page, 'Memory').getByRole('textbox').fill('32');
      await start.click();
      const error = new NewMachinePage(page).error;
      await expect(error).toContainText('16 MiB of RAM, this machine 32 MiB');
      await waitForPasses(guest, 1);
      // It would count in the same terminal, and take a core.
      await guest.pause();

      await field(page, 'Memory').getByRole('textbox').fill(String(memoryMiB));
      await start.click();
      await page.waitForURL(/\?machine=[0-9a-f-]+$/);
      await expect(dialog(page)).toBeHidden();
      await expect.poll(async () => passes(await shownTerminal(guest))[0]).toBe(last + 1);
      expect(await shownTerminal(guest)).not.toContain('BAD');

      // The machine saves and resumes as one that was booted here.
      await guest.machine((machine) => machine.checkpoint());
      await guest.reloadPage();
      await waitForPasses(guest, 1);
    },
  );
}

test('a state that v86 saved is opened by its address, once its machine is described', async ({
  page,
  site,
  siteRoot,
}) => {
  const { state, last } = await savedByV86(siteRoot);
  const url = await site.put('e2e/saved.bin', state);
  const guest = await Guest.in(page, { site });
  await page.goto(`${site.url}?state=${encodeURIComponent(url)}`);
  await expect(field(page, 'Memory').getByRole('textbox')).toHaveValue(String(memoryMiB));
  expect(await guest.machine((machine) => machine.status)).toBeNull();
  // Closing the dialog loses nothing.
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Describe its machine…' }).click();
  await new NewMachinePage(page).pick('Floppy', floppyPath(siteRoot));
  await dialog(page).getByRole('button', { name: 'Start' }).click();
  await page.waitForURL(/\?machine=[0-9a-f-]+$/);
  await expect.poll(async () => passes(await shownTerminal(guest))[0]).toBe(last + 1);
  await expect(playground(page).notices).not.toContainText('opens a state that v86 saved');
});

test('the dialog refuses a file that is no state of v86 or damaged, and the guest still runs', async ({
  guest,
}, testInfo) => {
  const path = testInfo.outputPath('damaged.bin');
  await writeFile(path, Uint8Array.of(0x76, 0x86, 0x76, 0x86, 6, 0, 0, 0, 99, 0, 0, 0));
  await openStateFile(guest, path);
  await expect(new NewMachinePage(guest.page).error).toContainText('no state of v86');
  await waitForPasses(guest, 1);
});

test('a machine is saved as a state for v86 itself, where its guest resumes', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  const share = playground(page).shareDialog;
  await page.getByRole('button', { name: 'Share…' }).click();
  await share.getByLabel('a state of v86 itself').check();
  await expect(share).toContainText('32 MiB of RAM');
  const saved = page.waitForEvent('download');
  await share.getByRole('button', { name: 'Share', exact: true }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toMatch(/\.v86state$/);
  await expect(share).toContainText('The file was saved.');
  const { config } = await guest.status();
  const stock = await stockGuest(
    {
      floppy: await readFile(floppyPath(siteRoot)),
      firmware: join(siteRoot, 'firmware'),
      memoryMiB: config.memoryMiB,
      state: await readFile(await download.path()),
      more: {
        vga_memory_size: config.vgaMemoryMiB << 20,
        net_device: { type: config.network },
        ...(config.filesystem9p && { filesystem: {} }),
        virtio_console: config.virtioConsole,
        uart1: (config.serialPorts ?? 2) > 1,
      },
    },
    /pass \d+\r\npass \d+\r\n/,
  );
  await stock.end();
  expect(stock.serial()).not.toContain('BAD');
  expect(stock.serial()).not.toContain('SeaBIOS');
});
