/** A new deployment under an open page, which removes the previous files. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { serveSite } from '../../tools/serve.mjs';
import { prompt } from '../support/linux-guest.ts';
import { NewMachinePage } from '../support/new-machine-page.ts';
import { playground } from '../support/playground-page.ts';
import { expect, Guest, test } from '../support/test.ts';

const updated = 'This site was updated. Reload the page: the guest keeps running.';

/** Returns the manifest of another build. */

async function manifestOfAnotherBuild(): Promise<string> {
  const manifest = JSON.parse(await readFile('dist/build.json', 'utf8'));
  return JSON.stringify({ ...manifest, buildId: '00000000' });
}

async function shareAsFile(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Share…' }).click();
  await playground(page).shareDialog.getByLabel('a file', { exact: true }).check();
  await playground(page).shareDialog.getByRole('button', { name: 'Share', exact: true }).click();
}

test('an open page says that the site was updated, for every part that needs a file that is gone', async ({
  guest,
  page,
  site,
}) => {
  await guest.run('kept=here');
  await guest.machine((machine) => machine.checkpoint());
  await playground(page).hasItsParts();
  await site.put('build.json', await manifestOfAnotherBuild());
  await site.remove('assets');
  await site.remove('runtimes');
  const asked = site.requests.length;

  await test.step('Share', async () => {
    await shareAsFile(page);
    await expect(playground(page).shareDialog.getByRole('alert')).toContainText(updated);
    await page.keyboard.press('Escape');
  });
  await test.step('the list of machines, and its export of a state file', async () => {
    await page.getByRole('button', { name: 'Machines' }).click();
    await page.getByRole('button', { name: /^Export…/ }).click();
    await page.getByRole('button', { name: 'State file' }).click();
    await expect(playground(page).machinesDialog).toContainText(updated);
    await page.keyboard.press('Escape');
  });
  await test.step('New machine', async () => {
    await playground(page).choose('New machine…');
    await page.getByLabel('Boots').selectOption('demo');
    await new NewMachinePage(page).dialog.getByRole('button', { name: 'Start' }).click();
    await expect(new NewMachinePage(page).dialog).toContainText(updated);
    await page.keyboard.press('Escape');
  });
  await test.step('the monitor', async () => {
    await page.keyboard.press('Control+Alt+Digit3');
    await playground(page).monitorInput.fill('info status');
    await page.keyboard.press('Enter');
    await expect(playground(page).monitorLog).toContainText('running');
  });
  // Everything else was already loaded.
  const scripts = site.requests.slice(asked).filter((path) => /^assets\/.*\.js$/.test(path));
  expect(scripts.filter((path) => !path.includes('state-worker'))).toEqual([]);

  await site.deploy('dist');
  await guest.reloadPage();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('where files with a hash are cached, an open page shares on after a new deployment', async ({
  page,
}) => {
  const newer = await mkdtemp(join(tmpdir(), 'holdfast-newer-'));
  const site = await serveSite({ root: 'dist' });
  try {
    await cp('dist', newer, { recursive: true });
    for (const folder of ['assets', 'runtimes']) await rm(join(newer, folder), { recursive: true });
    await writeFile(join(newer, 'build.json'), await manifestOfAnotherBuild());
    const guest = await Guest.in(page);
    await guest.open(site.url);
    await guest.waitForSerial(prompt);
    await playground(page).hasItsParts();
    site.setRoot(newer);
    const saved = page.waitForEvent('download');
    await shareAsFile(page);
    expect((await saved).suggestedFilename()).toMatch(/\.holdfast$/);
  } finally {
    await site.close();
    await rm(newer, { recursive: true });
  }
});
