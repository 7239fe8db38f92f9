import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { test as base, expect, type Site } from '../support/test.ts';

/** A build of the same sources with other names of its runtimes. */
const test = base.extend<object, { newerBuild: string }>({
  newerBuild: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-newer-'));
      const command = [resolve('node_modules/tsx/dist/cli.mjs'), resolve('tools/build-site.ts')];
      await promisify(execFile)(process.execPath, [...command, '--out', folder, '--tag', 'newer']);
      await use(folder);
      await rm(folder, { recursive: true });
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});

async function newestRuntime(site: Site): Promise<string> {
  const [newest] = await site.runtimes();
  return newest?.id ?? '';
}

test('a page of a newer build attaches to the guest and offers the newer emulator', async ({
  guest,
  newerBuild,
  site,
}) => {
  const { page } = guest;
  const bar = page.getByRole('region', { name: 'Newer emulator' });
  await expect(bar).toBeHidden();
  const before = await guest.status();
  const keeper = await guest.machine((machine) => machine.keeper.instanceId);
  await guest.run('kept=here');

  await site.deploy(newerBuild);
  await guest.reloadPage();
  expect(await guest.machine((machine) => machine.keeper.instanceId)).toBe(keeper);
  expect((await guest.status()).runtimeId).toBe(before.runtimeId);
  await expect(bar).toContainText('A newer emulator is available');
  const newest = await newestRuntime(site);
  expect(newest).not.toBe(before.runtimeId);
  await bar.getByRole('button', { name: 'Live update' }).click();
  await expect(bar).toBeHidden();
  expect(await guest.status()).toMatchObject({
    runtimeId: newest,
    restarts: 1,
    bootedAtMs: before.bootedAtMs,
  });
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});

test('where it is set so, a page of a newer build updates the guest by itself', async ({
  guest,
  newerBuild,
  site,
}) => {
  const { page } = guest;
  await guest.run('kept=here');
  await page.getByRole('button', { name: 'Help and settings' }).click();
  await page.getByLabel(/Update the emulator by itself/).check();
  await page.getByRole('button', { name: 'Close' }).click();

  await site.deploy(newerBuild);
  await guest.reloadPage();
  await expect.poll(async () => (await guest.status()).runtimeId).toBe(await newestRuntime(site));
  expect((await guest.status()).restarts).toBe(1);
  await expect(page.getByRole('region', { name: 'Newer emulator' })).toBeHidden();
  expect((await guest.run('echo $kept')).output).toBe('here\n');
});
