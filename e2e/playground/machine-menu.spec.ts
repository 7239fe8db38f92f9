/** Saving, loading and suspending a guest with the menu of the page. */
import type { Page } from '@playwright/test';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { expect, type Guest, test } from '../support/test.ts';

const choose = (page: Page, item: string) => playground(page).choose(item);
const runstate = (page: Page) => playground(page).state('runstate');
const stateOk = (page: Page) => playground(page).ok(playground(page).stateDialog);
const bar = (page: Page) => playground(page).runstateBar;

/** A shell variable, and a loop that was running, survive. */
async function prepare(guest: Guest): Promise<() => Promise<void>> {
  await guest.run('kept="before the save"');
  return async () => {
    expect((await guest.run('echo "$kept"')).output).toBe('before the save\n');
  };
}

/** This browser then has no dialog to save with, like Firefox and Safari. */
const withoutSavePicker = (page: Page) =>
  page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));

test('a state saved in the browser resumes in another emulator', async ({ guest, runtimes }) => {
  const { page } = guest;
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  await page.getByLabel('this browser, under the name').check();
  await page.getByLabel('Name in this browser').fill('before lunch');
  await page.getByLabel('Resume with').selectOption({ label: `v86 ${runtimes.older.v86Version}` });
  await stateOk(page).click();
  await expect(runstate(page)).toHaveText('Waiting');
  await expect(bar(page)).toContainText('waits for its state');

  // Any page can resume it, by its name.
  await guest.reloadPage();
  await expect(bar(page).getByRole('button', { name: 'Load it now' })).toHaveCount(0);
  await bar(page).getByRole('button', { name: 'Load state…' }).click();
  await page.getByLabel('this browser, under the name').check();
  await page.getByLabel('Name in this browser').fill('before lunch');
  await stateOk(page).click();
  await expect(runstate(page)).toHaveText('Running');
  await expect(bar(page)).toBeHidden();
  await expect(playground(page).state('emulator')).toContainText(runtimes.older.v86Version);
  await stillThere();
});

test('a state is downloaded, and resumes from the file', async ({ guest }) => {
  const { page } = guest;
  await withoutSavePicker(page);
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  const [download] = await Promise.all([page.waitForEvent('download'), stateOk(page).click()]);
  expect(download.suggestedFilename()).toMatch(/^holdfast-restart-.*\.vmstate$/);
  await expect(runstate(page)).toHaveText('Waiting');

  await bar(page).getByRole('button', { name: 'Load state…' }).click();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), stateOk(page).click()]);
  await chooser.setFiles(await download.path());
  await expect(runstate(page)).toHaveText('Running');
  await stillThere();
});

test('a state is written by the keeper where a dialog says', async ({ guest }) => {
  const { page } = guest;
  // A test cannot click on the browser's own dialog. A real handle of the origin's own file system
  // replaces its result.
  await page.evaluate(() => {
    const showSaveFilePicker = async () => {
      const folder = await navigator.storage.getDirectory();
      return folder.getFileHandle('state.vmstate', { create: true });
    };
    Object.assign(window, { showSaveFilePicker });
  });
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  await stateOk(page).click();
  await bar(page).getByRole('button', { name: 'Load it now' }).click();
  await expect(runstate(page)).toHaveText('Running');
  await stillThere();
});

test('a guest that was saved and shut down resumes from storage', async ({ guest }) => {
  const { page } = guest;
  const stillThere = await prepare(guest);
  await choose(page, 'Save and shut down…');
  await page.getByLabel('this browser, under the name').check();
  await stateOk(page).click();
  await expect(bar(page)).toContainText('The guest is saved and shut down', { timeout: 30_000 });
  await expect(playground(page).notice).toHaveCount(0);
  await bar(page).getByRole('button', { name: 'Load it now' }).click();
  await expect(runstate(page)).toHaveText('Running', { timeout: 30_000 });
  await expect(bar(page)).toBeHidden();
  await stillThere();
});

test('blockers of a save are shown before the question', async ({ guest }) => {
  const { page } = guest;
  await guest.machine((machine) =>
    machine.changeMedia('cdrom', { file: new Blob([new Uint8Array(2048 * 64)]) }),
  );
  await choose(page, 'Save and shut down…');
  const dialog = playground(page).stateDialog;
  await expect(dialog).toContainText('cannot be saved right now');
  await expect(dialog.getByRole('listitem')).toContainText('cannot be opened again by itself');
  await expect(stateOk(page)).toBeDisabled();
  await page.getByRole('button', { name: 'Cancel' }).click();

  await guest.machine((machine) => machine.ejectMedia('cdrom'));
  await choose(page, 'Save and shut down…');
  await expect(playground(page).stateDialog.getByRole('alert')).toBeHidden();
  await expect(stateOk(page)).toBeEnabled();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(runstate(page)).toHaveText('Running');
});

test('after a save the guest can go back to where it was', async ({ guest }) => {
  const { page } = guest;
  await withoutSavePicker(page);
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  await stateOk(page).click();
  await bar(page).getByRole('button', { name: 'Go back' }).click();
  await expect(runstate(page)).toHaveText('Running');
  await stillThere();
});

test('a file that is no state is refused with a sentence, and the guest keeps waiting', async ({
  guest,
}) => {
  const { page } = guest;
  await withoutSavePicker(page);
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  await stateOk(page).click();
  await bar(page).getByRole('button', { name: 'Load state…' }).click();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), stateOk(page).click()]);
  const buffer = Buffer.from('this is a letter, not a state');
  await chooser.setFiles({ name: 'letter.txt', mimeType: 'text/plain', buffer });
  await expect(playground(page).notice).toContainText('The saved state of the devices is damaged');
  await expect(runstate(page)).toHaveText('Waiting');
  await bar(page).getByRole('button', { name: 'Go back' }).click();
  await expect(runstate(page)).toHaveText('Running');
  await stillThere();
});

test('a running guest is replaced by a state only once that is loaded', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  test.slow();
  const { page } = guest;
  const stillThere = await prepare(guest);
  const load = async (name: string) => {
    await choose(page, 'Load state…');
    await expect(playground(page).stateDialog).toContainText('keeps running until the whole state');
    await page.getByLabel('this browser, under the name').check();
    await page.getByLabel('Name in this browser').fill(name);
    await page.getByRole('button', { name: 'Discard and load' }).click();
  };
  await choose(page, 'Save and shut down…');
  await page.getByLabel('this browser, under the name').check();
  await page.getByLabel('Name in this browser').fill('before');
  await stateOk(page).click();
  await expect(bar(page)).toContainText('saved and shut down');
  // Another machine with another name, in this page's keeper.
  await guest.start(runtimes.newer, { id: 'other', durable: false });
  await guest.waitForSerial(prompt);
  await guest.run('kept="of the other"');
  const { bootedAtMs } = await guest.status();

  await load('there is none');
  await expect(playground(page).notice).toContainText('There is nothing stored under this name');
  expect((await guest.run('echo "$kept"')).output).toBe('of the other\n');
  expect((await guest.status()).bootedAtMs).toBe(bootedAtMs);

  await load('before');
  await expect.poll(async () => (await guest.status()).config.id).toBe('default');
  await stillThere();
});

test('disks are reset to their first contents when the user confirms', {
  tag: '@slow',
}, async ({ guest, runtimes }) => {
  test.slow();
  const { page } = guest;
  await playground(page).menuButton.click();
  await expect(page.getByRole('menuitem', { name: 'Reset disks…' })).toBeHidden();
  await page.keyboard.press('Escape');
  await guest.start(runtimes.newer, { hda: { emptyBytes: 1 << 20 } });
  await guest.waitForSerial(prompt, { timeout: 60_000 });
  const onDisk = async () =>
    (await guest.run('head -c 8 /dev/sda | tr "\\0" .; echo')).output.trim();
  await guest.run('printf written. | dd of=/dev/sda conv=notrunc; sync');
  expect(await onDisk()).toBe('written.');
  await choose(page, 'Reset disks…');
  const question = playground(page).question;
  await expect(question).toContainText('Everything that the guest wrote to hda (an empty disk)');
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(await onDisk()).toBe('written.');

  await choose(page, 'Reset disks…');
  const from = await guest.serial.end();
  await question.getByRole('button', { name: 'Reset and boot' }).click();
  await guest.waitForSerial(prompt, { from, timeout: 60_000 });
  expect(await onDisk()).toBe('........');
});

test('nothing happens to a guest whose save is called off', async ({ guest }) => {
  const { page } = guest;
  const stillThere = await prepare(guest);
  await choose(page, 'Save state…');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.evaluate(() => {
    const showSaveFilePicker = () => Promise.reject(new DOMException('No.', 'AbortError'));
    Object.assign(window, { showSaveFilePicker });
  });
  await choose(page, 'Save state…');
  await stateOk(page).click();
  await expect(playground(page).stateDialog).toBeHidden();
  await expect(runstate(page)).toHaveText('Running');
  await expect(playground(page).notice).toHaveCount(0);
  await stillThere();
});

const wakers: [how: string, wake: (page: Page) => Promise<void>][] = [
  ['a key', (page: Page) => page.keyboard.press('Enter')],
  ['a click on the terminal', (page: Page) => playground(page).terminal.click()],
  ['its button', (page: Page) => page.getByRole('button', { name: 'Wake up' }).click()],
  // Last: the guest then has the mouse.
  ['a click on the screen', (page: Page) => playground(page).screen.click()],
];

test('a key, a click on the terminal or the screen, and its button wake a suspended guest', async ({
  guest,
}) => {
  const { page } = guest;
  for (const [how, wake] of wakers)
    await test.step(how, async () => {
      await choose(page, 'Suspend');
      await expect(runstate(page)).toHaveText('Suspended');
      await expect(bar(page)).toContainText('The guest is suspended');
      if (how === 'a key') await page.keyboard.press('Control+Alt+Digit1');
      await expect(runstate(page)).toHaveText('Suspended');
      await wake(page);
      await expect(runstate(page)).toHaveText('Running');
      await expect(bar(page)).toBeHidden();
      expect((await guest.run('echo awake')).output).toBe('awake\n');
    });
});

test('the menu is usable with the keyboard alone', async ({ guest }) => {
  const { page } = guest;
  await playground(page).menuButton.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Save state…' })).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('menuitem', { name: 'Send Ctrl+Alt+Delete' })).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await expect(runstate(page)).toHaveText('Suspended');
  await playground(page).menuButton.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(playground(page).menu).toBeHidden();
  await expect(playground(page).menuButton).toBeFocused();
});

test('the setting that suspends an unseen guest applies to the next guest', async ({
  guest,
  site,
}) => {
  const { page } = guest;
  await page.getByRole('button', { name: 'Help and settings' }).click();
  await page.getByLabel('Suspend the guest while no page shows it').selectOption('60000');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Start fresh…' }).click();
  // Enter, pressed by mistake, discards nothing.
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.getByRole('button', { name: 'Discard and boot' }).click();
  await expect
    .poll(async () => (await guest.status()).config.suspendWhenHiddenMs, { timeout: 30_000 })
    .toBe(60_000);
  await guest.open(site.url);
  await page.getByRole('button', { name: 'Help and settings' }).click();
  await expect(page.getByLabel('Suspend the guest while no page shows it')).toHaveValue('60000');
});
