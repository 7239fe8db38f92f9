/** Storage that is full, refused, cleared or lost, in Chromium. */
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Profile } from '../support/profile.ts';
import { type Opener, specs } from './store/contract/opener.ts';
import { test as base, expect, openLab, startLabWorker } from './store/test.ts';

const test = base.extend<{ profile: Profile }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  profile: async ({}, use) => {
    const profile = await Profile.make();
    await use(profile);
    await profile.delete();
  },
});

test('a full store reports it, keeps its contents, and stores again when there is room', async ({
  lab: page,
  startOpener,
}) => {
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  // Before anything is written: Chromium remembers for a while how much room there was.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4 * 1024 * 1024 });
  const opener = await startOpener();
  await opener.evaluate(
    async (specs) => {
      await lab.openStore();
      await lab.openMachine('m');
      await lab.checkpoint('m', specs);
      await lab.putEntry('e', { seed: 1, sizeBytes: 1000 });
    },
    specs(1, 2),
  );

  const full = await opener.evaluate(
    async (specs) => ({
      record: await lab.failure(() => lab.checkpoint('m', specs)),
      entry: await lab.failure(() => lab.putEntry('e', { seed: 2, sizeBytes: 8 * 1024 * 1024 })),
      isEntryKept: await lab.hasEntry('e', { seed: 1, sizeBytes: 1000 }),
      read: await lab.readBack('m'),
    }),
    specs(...Array(40).keys()),
  );
  expect(full).toMatchObject({
    record: { code: 'storage-full' },
    entry: { code: 'storage-full' },
    isEntryKept: true,
    read: [{ number: 1, records: specs(1, 2) }],
  });
  expect(full.record?.message).toContain('Delete machines or saved states');

  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  const read = await opener.evaluate(async (specs) => {
    await lab.checkpoint('m', specs);
    return lab.readBack('m');
  }, specs(3));
  expect(read).toEqual([
    { number: 2, records: specs(3) },
    { number: 1, records: specs(1, 2) },
  ]);
});

test('[S2] [F6] when the browser clears the site’s data, the store says that it is empty, and begins anew', async ({
  lab: page,
  startOpener,
}) => {
  const opener = await startOpener();
  await opener.evaluate(async (specs) => {
    await lab.openStore();
    await lab.openMachine('m');
    await lab.checkpoint('m', specs);
  }, specs(1));
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  const result = await opener.evaluate(async (specs) => {
    const failure = await lab.failure(() => lab.checkpoint('m', specs));
    await lab.openMachine('m');
    await lab.checkpoint('m', specs);
    const { discarded } = await lab.store().usage();
    const { reason } = discarded ?? {};
    return { code: failure?.code, losses: lab.losses, read: await lab.readBack('m'), reason };
  }, specs(2));
  expect(result).toEqual({
    reason: 'It was open before, and is empty now.',
    code: 'not-found',
    losses: ['terminated'],
    read: [{ number: 1, records: specs(2) }],
  });
});

test('where the user blocks site data, the store is unavailable', async ({ profile, server }) => {
  await mkdir(join(profile.folder, 'Default'), { recursive: true });
  const blockSiteData = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile.folder, 'Default/Preferences'), JSON.stringify(blockSiteData));
  const context = await profile.start();
  const page = await openLab(await context.newPage(), server);
  const openers: Opener[] = [page, await startLabWorker(page)];
  for (const opener of openers) {
    const failure = await opener.evaluate(() => lab.failure(() => lab.openStore()));
    expect(failure).toMatchObject({ code: 'storage-unavailable' });
    expect(failure?.message).toContain('blocked site data');
  }
});

test('in a page without an origin, the store is unavailable', async ({ lab: page, server }) => {
  await page.setContent('<iframe sandbox="allow-scripts" srcdoc="<p>no origin"></iframe>');
  const frame = page.frames()[1];
  await frame?.addScriptTag({ url: `${server.url}lab.js`, type: 'module' });
  const failure = await frame?.evaluate(() => lab.failure(() => lab.openStore()));
  expect(failure).toMatchObject({ code: 'storage-unavailable' });
  expect(await frame?.evaluate(() => lab.requestPersistence())).toBe(false);
});

test('persistence is granted or refused to a page, and cannot be asked for in a worker', async ({
  profile,
  server,
}) => {
  const context = await profile.start();
  const page = await openLab(await context.newPage(), server);
  expect(await page.evaluate(() => lab.requestPersistence())).toBe(false);
  const devtools = await context.browser()?.newBrowserCDPSession();
  const { origin } = new URL(page.url());
  await devtools?.send('Browser.grantPermissions', { permissions: ['durableStorage'], origin });
  expect(await page.evaluate(() => lab.requestPersistence())).toBe(true);
  const inWorker = await (await startLabWorker(page)).evaluate(async () => {
    await lab.openStore();
    const { persisted } = await lab.store().usage();
    return { persisted, asked: await lab.requestPersistence() };
  });
  expect(inWorker).toEqual({ persisted: true, asked: false });
});

for (const [damage, what, sizeBytes] of [
  ['torn', 'record', 256 * 1024],
  ['lost', 'record', 256 * 1024],
  ['torn', 'large record', 1024 * 1024],
  ['lost', 'large record', 1024 * 1024],
] as const) {
  test(`a ${what} whose file is ${damage} while the browser is closed is found out, and the generation before is whole`, async ({
    profile,
    server,
  }) => {
    const open = async () =>
      startLabWorker(await openLab(await (await profile.start()).newPage(), server));
    const before = await open();
    await before.evaluate(
      async ([first, second]) => {
        await lab.openStore();
        await lab.openMachine('m');
        await lab.checkpoint('m', first);
        await lab.checkpoint('m', second);
      },
      [[{ seed: 1, sizeBytes }], [{ seed: 2, sizeBytes }]] as const,
    );
    await profile.stop();
    const file = await lastRecordFile(profile.folder);
    await (damage === 'torn' ? truncate(file, 100_000) : rm(file));

    const after = await open();
    const result = await after.evaluate(async () => {
      await lab.openStore();
      await lab.openMachine('m');
      const failure = await lab.failure(() => lab.readBack('m'));
      await lab.machine('m').dropNewest();
      return { failure, read: await lab.readBack('m') };
    });
    expect(result).toMatchObject({
      failure: { code: 'storage-damaged' },
      read: [{ number: 1, records: [{ seed: 1, sizeBytes }] }],
    });
  });
}

/** Chromium keeps large values in files, numbered in hexadecimal. */
async function lastRecordFile(profileFolder: string): Promise<string> {
  const databases = join(profileFolder, 'Default/IndexedDB');
  const files = await readdir(databases, { recursive: true });
  const blobs = files.filter((file) => /\.indexeddb\.blob\/.*\/[0-9a-f]+$/.test(file));
  const records: string[] = [];
  for (const blob of blobs) {
    const found = await stat(join(databases, blob));
    if (found.isFile() && found.size >= 256 * 1024) records.push(blob);
  }
  const numberOf = (file: string) => Number.parseInt(file.slice(file.lastIndexOf('/') + 1), 16);
  const last = records.sort((a, b) => numberOf(a) - numberOf(b)).at(-1);
  if (!last) throw new Error('This Chromium keeps records elsewhere.');
  return join(databases, last);
}
