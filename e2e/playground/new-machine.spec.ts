/** Machines that the visitor describes in the dialog of the page, or drops on it. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { multibootKernel } from '../../tools/guests/multiboot/multiboot-kernel.ts';
import { prompt } from '../support/linux-guest.ts';
import { NewMachinePage } from '../support/new-machine-page.ts';
import { playground } from '../support/playground-page.ts';
import { shownTerminal } from '../support/playground-view.ts';
import { expect, type Guest, patternGuest, test, waitForPasses } from '../support/test.ts';

// The machine that the page starts by itself is small.
test.use(patternGuest);

const dialog = (page: Page) => new NewMachinePage(page).dialog;
const field = (page: Page, label: string) => new NewMachinePage(page).field(label);
const start = (page: Page) => new NewMachinePage(page).start;

async function openDialog({ page }: Guest): Promise<Locator> {
  await new NewMachinePage(page).open();
  await expect(field(page, 'Name').getByRole('textbox')).toBeFocused();
  return dialog(page);
}

const pick = (page: Page, label: string, path: string) =>
  new NewMachinePage(page).pick(label, path);

/** Presses Start, and waits until the page shows the new machine. */
async function startAndFollow(guest: Guest): Promise<string> {
  const { page } = guest;
  await start(page).click();
  await page.waitForURL(/\?machine=[0-9a-f-]+$/);
  await expect(dialog(page)).toBeHidden();
  return new URL(page.url()).searchParams.get('machine') ?? '';
}

const patternImage = (siteRoot: string) => join(siteRoot, 'guests/pattern/text.img');

test('a machine boots from a floppy image that was picked, beside the one that is there', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  await openDialog(guest);
  await field(page, 'Name').getByRole('textbox').fill('My floppy');
  await field(page, 'Memory').getByRole('textbox').fill('32');
  await pick(page, 'Floppy', patternImage(siteRoot));
  // A chosen floppy becomes the boot device.
  await expect(page.getByLabel('Boots')).toHaveValue('drives');
  const id = await startAndFollow(guest);
  await expect(playground(page).notices).toContainText('keeps running beside this machine');

  await expect.poll(() => guest.machine((machine) => machine.status?.config.id)).toBe(id);
  const { config } = await guest.status();
  expect(config).toMatchObject({ name: 'My floppy', memoryMiB: 32, durable: true });
  await expect.poll(() => shownTerminal(guest)).toMatch(/pass \d+/);

  // A reload finds it, and the list has both.
  await guest.reloadPage();
  expect((await guest.status()).config.id).toBe(id);
  await guest.machine((machine) => machine.checkpoint());
  await page.getByRole('button', { name: 'Machines' }).click();
  await expect(playground(page).storedMachines).toHaveCount(2);
  await expect(playground(page).storedMachines.getByRole('link', { name: 'Show' })).toHaveCount(1);

  // The other one can be suspended from here, and is then shown as suspended.
  await page.getByRole('button', { name: /^Suspend / }).click();
  await expect(playground(page).machinesMessage).toContainText('is suspended');
  await playground(page).storedMachines.getByRole('link', { name: 'Show' }).click();
  await guest.attached();
  await expect.poll(async () => (await guest.status()).config.id).toBe('default');
  expect((await guest.status()).runstate).toBe('suspended');
});

test('the notice about the previous machine suspends it, or goes back to it', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  await openDialog(guest);
  await pick(page, 'Floppy', patternImage(siteRoot));
  await startAndFollow(guest);
  const notices = playground(page).notices;
  await notices.getByRole('button', { name: 'Suspend it' }).click();
  await expect(notices).toContainText('is suspended');
  const loaded = page.waitForEvent('load');
  await notices.getByRole('button', { name: 'Go back to it' }).click();
  await loaded;
  await guest.attached();
  expect(await guest.status()).toMatchObject({ runstate: 'suspended', config: { id: 'default' } });
});

test('the demo Linux as it is opens at its prompt', async ({ guest }) => {
  const { page } = guest;
  await openDialog(guest);
  await page.getByLabel('Boots').selectOption('demo');
  await field(page, 'Name').getByRole('textbox').fill('Mine');
  const id = await startAndFollow(guest);
  const { startSource, config } = await guest.status();
  expect(startSource?.kind).toBe('opened');
  expect(config).toMatchObject({ id, name: 'Mine', durable: true });
  expect(await guest.succeed('uname -s')).toBe('Linux\n');
});

test('a disk of 2 GiB that is picked is read where the guest reads it', async ({
  guest,
}, testInfo) => {
  const { page } = guest;
  const path = testInfo.outputPath('disk.img');
  const sizeBytes = 2 * 1024 ** 3;
  const file = await open(path, 'w');
  await file.truncate(sizeBytes);
  await file.write('at the very end', sizeBytes - 512);
  await file.close();
  await openDialog(guest);
  await pick(page, 'Hard disk', path);
  await page.getByLabel('Boots').selectOption('demo');
  await startAndFollow(guest);
  await guest.waitForSerial(prompt);
  const read = 'dd if=/dev/sda bs=512 skip=4194303 2>/dev/null | head -c 15';
  expect(await guest.succeed(read)).toBe('at the very end');
  const [hda] = await guest.machine((machine) => machine.infoBlock());
  expect(hda?.medium).toMatchObject({ sizeBytes, backing: 'file' });
  // Chunks of 64 KiB, of 32,768.
  expect(hda?.medium?.cache?.misses).toBeLessThan(64);
});

test('a bad option is reported at its field, before anything is fetched', async ({
  guest,
  site,
}) => {
  const { page } = guest;
  await openDialog(guest);
  // The page fetches parts of its own build a while after it is there.
  await playground(page).hasItsParts();
  const before = [...site.requests];
  await field(page, 'Memory').getByRole('textbox').fill('8');
  await page.getByLabel('Boots').selectOption('drives');
  await start(page).click();
  await expect(field(page, 'Memory')).toContainText(
    'Memory may be a whole number of MiB from 16 to 2047; it is 8.',
  );
  await expect(field(page, 'Memory').getByRole('textbox')).toBeFocused();

  // One problem at a time; corrected ones are not reported any more.
  await field(page, 'Memory').getByRole('textbox').fill('64');
  await start(page).click();
  await expect(new NewMachinePage(page).fieldErrors).toHaveText([
    /^Boots may be a CD, a hard disk/,
  ]);
  await field(page, 'CD').getByRole('combobox').selectOption('file');
  await field(page, 'Hard disk').getByRole('combobox').selectOption('empty');
  await field(page, 'Hard disk').getByRole('textbox').fill('1000');
  await field(page, 'Floppy').getByRole('combobox').selectOption('url');
  await field(page, 'Floppy').getByRole('textbox').fill('ftp://host/disk.img');
  await page.getByText('Advanced').click();
  await field(page, 'Serial ports').getByRole('textbox').fill('5');
  await page.getByText('Advanced').click();
  await page.getByLabel('Network', { exact: true }).selectOption('wisp');
  await start(page).click();
  await expect(field(page, 'CD')).toContainText(
    'a file that is not empty, less than 2 TiB; it is not chosen yet',
  );
  await expect(field(page, 'Hard disk')).toContainText('in multiples of 512 bytes');
  await expect(field(page, 'Floppy')).toContainText('the address of a file');
  await expect(field(page, 'Network')).toContainText(
    'Network may be an address with wisp://, wisps://, ws:// or wss://; it is empty.',
  );
  // The folded section with the problem opens, also when it was folded again.
  const serialError = field(page, 'Serial ports').locator('.field-error');
  await expect(serialError).toBeVisible();
  await page.getByText('Advanced').click();
  await expect(serialError).toBeHidden();
  await start(page).click();
  await expect(serialError).toBeVisible();
  expect(site.requests).toEqual(before);

  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await openDialog(guest);
  await expect(new NewMachinePage(page).fieldErrors).toHaveCount(0);
});

test('an unavailable file leaves the dialog and the guest as they were', async ({ guest }) => {
  const { page } = guest;
  await openDialog(guest);
  await field(page, 'CD').getByRole('combobox').selectOption('url');
  await field(page, 'CD').getByRole('textbox').fill('nothing/here.iso');
  await field(page, 'CD').getByRole('textbox').press('Enter');
  await expect(new NewMachinePage(page).error).toContainText('here.iso');
  await expect(start(page)).toBeEnabled();
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect((await guest.status()).config.id).toBe('default');
  await expect(playground(page).notices).toBeEmpty();
});

test(
  'the demo Linux starts with a disk and the files of a folder',
  { tag: '@slow' },
  async ({ guest }, testInfo) => {
    test.slow();
    const { page } = guest;
    const folder = testInfo.outputPath('lecture');
    await mkdir(join(folder, 'code'), { recursive: true });
    await writeFile(join(folder, 'notes.txt'), 'of a folder\n');
    await writeFile(join(folder, 'code/run.sh'), 'echo it runs\n');
    await openDialog(guest);
    await page.getByLabel('Shared folder').setInputFiles(folder);
    await field(page, 'Hard disk').getByRole('combobox').selectOption('empty');
    await field(page, 'Hard disk').getByRole('textbox').fill('64M');
    await page.getByLabel('Boots').selectOption('demo');
    await startAndFollow(guest);
    await guest.waitForSerial(prompt);
    await guest.succeed('until grep -q " /mnt 9p " /proc/mounts; do usleep 100000; done');
    expect(await guest.succeed('cat /mnt/notes.txt; sh /mnt/code/run.sh')).toBe(
      'of a folder\nit runs\n',
    );
    expect(await guest.succeed('cat /sys/block/sda/size')).toBe('131072\n');
  },
);

test('Start fresh boots what the machine was made of, also after a reload', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  await openDialog(guest);
  await pick(page, 'Floppy', patternImage(siteRoot));
  const id = await startAndFollow(guest);
  const startFresh = async () => {
    await page.getByRole('button', { name: 'Start fresh…' }).click();
    const before = await guest.status();
    await playground(page).ok(playground(page).question).click();
    const bootedAt = () => guest.machine((machine) => machine.status?.bootedAtMs);
    await expect.poll(bootedAt).toBeGreaterThan(before.bootedAtMs);
    expect((await guest.status()).config).toMatchObject({ id, name: 'text.img' });
    await waitForPasses(guest, 1);
  };
  await startFresh();
  await guest.reloadPage();
  await startFresh();
});

test('Start fresh boots a kernel that was picked again, also after a reload', async ({
  guest,
}, testInfo) => {
  const { page } = guest;
  const path = testInfo.outputPath('kernel');
  await writeFile(path, Buffer.from(multibootKernel, 'base64'));
  await openDialog(guest);
  await page.getByLabel('Boots').selectOption('multiboot');
  await new NewMachinePage(page).fileInput('Kernel').setInputFiles(path);
  await field(page, 'Command line').getByRole('textbox').fill('one two');
  await startAndFollow(guest);
  for (const reload of [false, true]) {
    if (reload) await guest.reloadPage();
    await guest.waitForSerial(/multiboot one two\r\n/);
    const before = await guest.status();
    await page.getByRole('button', { name: 'Start fresh…' }).click();
    await playground(page).ok(playground(page).question).click();
    const bootedAt = async () => (await guest.status()).bootedAtMs;
    await expect.poll(bootedAt).toBeGreaterThan(before.bootedAtMs);
  }
  await guest.waitForSerial(/multiboot one two\r\n/);
});

test('Back goes to the machine of before', async ({ guest, siteRoot }) => {
  const { page } = guest;
  await openDialog(guest);
  await pick(page, 'Floppy', patternImage(siteRoot));
  const id = await startAndFollow(guest);
  expect((await guest.status()).config.id).toBe(id);
  const loaded = page.waitForEvent('load');
  await page.goBack();
  await loaded;
  await guest.attached();
  expect((await guest.status()).config.id).toBe('default');
  await expect(playground(page).state('found')).toContainText('attached');
});

interface DroppedFile {
  name: string;
  sizeBytes: number;
  /** Contents beside zeros. */
  parts: { at: number; base64: string }[];
}

/** Drags a file over the page and drops it there, as a visitor does from another window. */
async function drop(page: Page, file: DroppedFile): Promise<void> {
  const data = await page.evaluateHandle(({ name, sizeBytes, parts }) => {
    const bytes = new Uint8Array(sizeBytes);
    for (const { at, base64 } of parts)
      bytes.set(
        Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
        at,
      );
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    return transfer;
  }, file);
  const overlay = playground(page).dropTarget;
  await page.locator('body').dispatchEvent('dragover', { dataTransfer: data });
  await expect(overlay).toBeVisible();
  await page.locator('body').dispatchEvent('drop', { dataTransfer: data });
  await expect(overlay).toBeHidden();
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const iso = (name: string): DroppedFile => ({
  name,
  sizeBytes: 256 * 1024,
  parts: [{ at: 32769, base64: base64('CD001') }],
});

test('a floppy image that is dropped starts as a machine, and what is no image is refused', async ({
  guest,
  siteRoot,
}) => {
  const { page } = guest;
  await drop(page, {
    name: 'letter.pdf',
    sizeBytes: 100,
    parts: [{ at: 0, base64: base64('%PDF') }],
  });
  await expect(playground(page).notices).toContainText('Nothing here can use letter.pdf');
  await expect(dialog(page)).toBeHidden();

  const image = await readFile(patternImage(siteRoot));
  await drop(page, {
    name: 'pattern.ima',
    sizeBytes: 1440 * 1024,
    parts: [{ at: 0, base64: image.toString('base64') }],
  });
  await page.getByRole('button', { name: 'New machine…' }).click();
  await expect(page.getByLabel('Boots')).toHaveValue('drives');
  await expect(field(page, 'Floppy')).toContainText('1.4 MiB');
  await startAndFollow(guest);
  await expect.poll(() => shownTerminal(guest)).toMatch(/pass \d+/);
  expect((await guest.status()).config.name).toBe('pattern.ima');
});

test('a state file that is dropped is opened', async ({ guest }) => {
  const { page } = guest;
  await drop(page, {
    name: 'broken.holdfast',
    sizeBytes: 1000,
    parts: [{ at: 0, base64: base64('HOLDSTAT') }],
  });
  await expect(playground(page).notices).toContainText('not a state file that can be opened');
});

test('the CD of a machine that runs is inserted, changed and ejected', async ({ guest }) => {
  const { page } = guest;
  const medium = () =>
    guest.machine(async (machine) => {
      const drives = await machine.infoBlock();
      return drives.find(({ device }) => device === 'cdrom')?.medium?.base;
    });
  await drop(page, iso('first.iso'));
  await page.getByRole('button', { name: 'Insert in this machine’s drive' }).click();
  await expect.poll(medium).toBe('file:first.iso');

  const menu = playground(page).menu;
  const chooser = page.waitForEvent('filechooser');
  await playground(page).menuButton.click();
  await menu.getByRole('menuitem', { name: 'Change CD…' }).click();
  await (await chooser).setFiles({
    name: 'second.iso',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(128 * 1024),
  });
  await expect.poll(medium).toBe('file:second.iso');

  await playground(page).menuButton.click();
  await menu.getByRole('menuitem', { name: 'Eject CD' }).click();
  await expect.poll(medium).toBeUndefined();
  await playground(page).menuButton.click();
  await expect(menu.getByRole('menuitem', { name: 'Insert CD…' })).toBeVisible();
  await expect(menu.getByRole('menuitem', { name: 'Eject CD' })).toBeHidden();

  // A file that does not fit into a drive is reported, and the previous one remains.
  const floppy = page.waitForEvent('filechooser');
  await menu.getByRole('menuitem', { name: 'Change floppy…' }).click();
  await (await floppy).setFiles({
    name: 'large.img',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(5 << 20),
  });
  await expect(playground(page).notices).toContainText('does not fit into this drive');
  await waitForPasses(guest, 1);
});

test.describe('where the worker ends with its page', () => {
  test.use({ guestQuery: `${patternGuest.guestQuery}&host=dedicated` });

  test('a machine whose worker ended asks for its disk file again, and resumes with it', async ({
    guest,
    siteRoot,
  }, testInfo) => {
    const { page } = guest;
    const contents = Buffer.alloc(8 << 20);
    contents.write('of the computer', contents.length - 512);
    const disk = testInfo.outputPath('disk.img');
    await writeFile(disk, contents);
    const other = testInfo.outputPath('other.img');
    await writeFile(other, contents.subarray(512));

    await openDialog(guest);
    await field(page, 'Name').getByRole('textbox').fill('With a disk');
    await pick(page, 'Floppy', patternImage(siteRoot));
    await pick(page, 'Hard disk', disk);
    await startAndFollow(guest);
    await waitForPasses(guest, 1);
    await guest.machine((machine) => machine.checkpoint());
    await page.reload();

    const notices = playground(page).notices;
    await expect(notices).toContainText('Choose disk.img again to resume');
    const choose = async (path: string) => {
      const chooser = page.waitForEvent('filechooser');
      await notices.getByRole('button', { name: 'Choose disk.img…' }).click();
      await (await chooser).setFiles(path);
    };
    await choose(other);
    await expect(notices).toContainText('“other.img” is another file');
    await choose(disk);
    await guest.attached();
    await expect(playground(page).state('found')).toContainText('resumed');
    await waitForPasses(guest, 1);
    const read = await guest.machine(async (machine) => {
      const image = machine.diskImage('hda');
      return (await new Response(image).text()).slice(-512, -497);
    });
    expect(read).toBe('of the computer');
    await expect(notices).not.toContainText('again to resume');
  });
});
