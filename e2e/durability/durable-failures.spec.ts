/**
 * A guest whose storage fails, disappears or is damaged: it keeps running, and the page explains
 * the consequences.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import type { PlaygroundWindow } from '../support/playground-window.ts';
import { Profile } from '../support/profile.ts';
import { test as base, expect, Guest, type Site } from '../support/test.ts';

const test = base.extend<{ profile: Profile }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  profile: async ({}, use) => {
    const profile = await Profile.make();
    await use(profile);
    await profile.delete();
  },
});

const notices = (page: Page) => playground(page).notices;
const saved = (page: Page) => playground(page).state('saved');
const checkpoint = (guest: Guest) => guest.machine((machine) => machine.checkpoint());
/** Longer than the keeper waits before it tries again, and than a checkpoint of a whole guest takes. */
const byItself = { timeout: 40_000 };
const notSaved = /not saved|failing/;

/** A page of the site's origin that is not Holdfast. */
async function openBeside(guest: { page: Page }, site: Site): Promise<Page> {
  const beside = await guest.page.context().newPage();
  await beside.goto(site.urlOf('build.json'));
  return beside;
}

async function runsAndIsSaved(guest: Guest): Promise<void> {
  await expect(saved(guest.page)).toHaveText(/ago$/, byItself);
  await expect(saved(guest.page)).not.toContainText('failing', byItself);
  await expect(notices(guest.page)).not.toContainText('not saved', byItself);
  expect((await guest.run('echo $((6*7))')).output).toBe('42\n');
}

async function runsAndIsNotSaved(guest: Guest): Promise<void> {
  await expect(notices(guest.page)).toContainText('The guest is not saved', byItself);
  await expect(saved(guest.page)).toContainText('failing');
  expect((await guest.run('echo $((6*7))')).output).toBe('42\n');
}

test('a full disk: the page reports it, and the guest is saved when there is room', {
  tag: '@slow',
}, async ({ page, site }) => {
  test.slow();
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(site.url);
  // Before anything is written: Chromium remembers for a while how much room there was.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1024 * 1024 });
  const guest = await Guest.in(page);
  await guest.open(site.url);
  await guest.waitForSerial(prompt);
  await runsAndIsNotSaved(guest);
  await expect(notices(page)).toContainText('The storage of this site is full');
  await expect(notices(page)).toContainText('Delete machines you no longer need');

  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await runsAndIsSaved(guest);
});

test('a database that is deleted is made again', async ({ guest, site }) => {
  await checkpoint(guest);
  await guest.run('kept=here');
  const beside = await openBeside(guest, site);
  await beside.evaluate(
    () =>
      new Promise<void>((done, fail) => {
        const request = indexedDB.deleteDatabase('holdfast');
        request.onsuccess = () => done();
        request.onerror = () => fail(request.error);
      }),
  );
  await checkpoint(guest);
  await runsAndIsSaved(guest);
  await expect
    .poll(() => guest.machine(async ({ storage }) => (await storage.list()).map(({ id }) => id)))
    .toEqual(['default']);
});

test('a deletion that another page holds up: the page says whom to close', {
  tag: '@slow',
}, async ({ guest, site }) => {
  test.slow();
  await checkpoint(guest);
  const beside = await openBeside(guest, site);
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        // It does not close when asked.
        indexedDB.open('holdfast').onsuccess = () => {
          indexedDB.deleteDatabase('holdfast').onblocked = () => done();
        };
      }),
  );
  await runsAndIsNotSaved(guest);
  await expect(notices(guest.page)).toContainText('Close the other pages of this site');
  await expect(notices(guest.page)).not.toContainText('private browsing');
  await beside.close();
  await runsAndIsSaved(guest);
});

/** Blocks every open of the database, until the returned function is called. */
async function keepFromOpening(beside: Page): Promise<() => Promise<void>> {
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        indexedDB.open('holdfast').onsuccess = ({ target }) => {
          const held = (target as IDBOpenDBRequest).result;
          // Later requests wait for the upgrade, which waits for this connection.
          const conversion = indexedDB.open('holdfast', 1000);
          conversion.onblocked = () => done();
          conversion.onupgradeneeded = () => conversion.transaction?.abort();
          Object.assign(window, { held });
        };
      }),
  );
  return () => beside.evaluate(() => (window as unknown as { held: IDBDatabase }).held.close());
}

test.describe('storage that cannot be read when the page is opened', () => {
  /** Leaves a stored guest, and another one that was started because nothing could be read. */
  async function unread(profile: Profile, site: Site) {
    const before = await Guest.in(await (await profile.start()).newPage());
    await before.open(site.url);
    await before.waitForSerial(prompt);
    await before.run('kept=here');
    await checkpoint(before);
    await profile.stop();
    const page = await (await profile.start()).newPage();
    const guest = await Guest.in(page);
    const beside = await openBeside(guest, site);
    const release = await keepFromOpening(beside);
    await guest.open(site.url);
    await guest.waitForSerial(prompt);
    await expect(notices(page)).toContainText(/is not saved|will not be saved/, byItself);
    await release();
    await expect(notices(page)).toContainText('Another guest is in storage', byItself);
    return guest;
  }

  test('the guest that is stored is not overwritten by the one that boots', {
    tag: '@slow',
  }, async ({ profile, site }) => {
    test.slow();
    const guest = await unread(profile, site);
    await guest.page.getByRole('button', { name: 'Resume the stored one' }).click();
    await expect(playground(guest.page).state('found')).toContainText('resumed from a checkpoint');
    expect((await guest.run('echo $kept')).output).toBe('here\n');
    await runsAndIsSaved(guest);
  });

  test('its user may give its place to the new one', { tag: '@slow' }, async ({
    profile,
    site,
  }) => {
    test.slow();
    const guest = await unread(profile, site);
    const replace = guest.page.getByRole('button', { name: 'Save this one in its place…' });
    const question = playground(guest.page).question;
    await replace.click();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await replace.click();
    await question.getByRole('button', { name: 'Delete the stored one' }).click();
    await runsAndIsSaved(guest);
    await guest.reloadPage();
    expect((await guest.run('echo "$kept"')).output).toBe('\n');
  });
});

/**
 * Damages the LevelDBs of stored machines, so that Chromium notices it: of the origin's own
 * database, or of all.
 */
async function damageDatabases(profile: Profile, which: 'first' | 'all'): Promise<void> {
  const folder = join(profile.folder, 'Default');
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  // LevelDB's pointer to all other files.
  const pointers = all
    .filter(({ name, parentPath }) => name === 'CURRENT' && parentPath.endsWith('.leveldb'))
    .map(({ name, parentPath }) => join(parentPath, name))
    .filter((path) => /\/IndexedDB\//.test(path));
  const first = pointers.filter((path) => !path.includes('/WebStorage/'));
  expect(pointers.length, 'there are two copies').toBeGreaterThan(first.length);
  for (const path of which === 'first' ? first : pointers) await writeFile(path, 'damaged');
}

/** Opens a page after `damage`, with a stored guest. */
async function openDamaged(
  { profile, site }: { profile: Profile; site: Site },
  damage: () => Promise<void>,
): Promise<Guest> {
  const before = await Guest.in(await (await profile.start()).newPage());
  await before.page.goto(site.url);
  await before.waitForSerial(prompt, { timeout: 90_000 });
  await before.run('kept=here');
  await checkpoint(before);
  await profile.stop();
  await damage();
  const guest = await Guest.in(await (await profile.start()).newPage());
  await guest.page.goto(site.url);
  return guest;
}

test('[S1] a database that the browser finds damaged and throws away: the guest comes from the second copy', {
  tag: '@slow',
}, async ({ profile, site }) => {
  test.slow();
  const guest = await openDamaged({ profile, site }, () => damageDatabases(profile, 'first'));
  await expect(playground(guest.page).state('found')).toContainText('resumed from a checkpoint');
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  await runsAndIsSaved(guest);
  // The guest resumes from its new place, also without the first one.
  await profile.kill();
  const again = await Guest.in(await (await profile.start()).newPage());
  await again.page.goto(site.url);
  await expect(playground(again.page).state('found')).toContainText('resumed from a checkpoint');
  expect((await again.run('echo $kept')).output).toBe('here\n');
});

/** Without this file LevelDB does not open; Chromium then deletes nothing, and fails. */
async function removeManifestOfFirst(profile: Profile): Promise<void> {
  const folder = join(profile.folder, 'Default/IndexedDB');
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = all.filter(
    ({ name, parentPath }) => parentPath.endsWith('.leveldb') && name.startsWith('MANIFEST-'),
  );
  expect(found.length, 'manifests of the first place').toBeGreaterThan(0);
  for (const { name, parentPath } of found) await rm(join(parentPath, name));
}

test('[S1] the first place cannot be opened, as its MANIFEST is missing: the guest comes from the second copy', {
  tag: '@slow',
}, async ({ profile, site }) => {
  test.slow();
  const guest = await openDamaged({ profile, site }, () => removeManifestOfFirst(profile));
  const found = playground(guest.page).state('found');
  await expect(found).toContainText('resumed from a checkpoint', byItself);
  expect((await guest.run('echo $kept')).output).toBe('here\n');
  await runsAndIsSaved(guest);
});

test('[S2] both copies are deleted: the page reports which machine was stored and until when', {
  tag: '@slow',
}, async ({ profile, site }) => {
  test.slow();
  const guest = await openDamaged({ profile, site }, () => damageDatabases(profile, 'all'));
  const { page } = guest;
  await guest.waitForSerial(prompt, { timeout: 90_000 });
  await expect(notices(page)).toContainText('The stored data of a machine is gone', byItself);
  await expect(notices(page)).toContainText(/“Linux” until .*\d/);
  await runsAndIsSaved(guest);
  await guest.reloadPage();
  await runsAndIsSaved(guest);
  await expect(notices(page)).not.toContainText('is gone');
});

test('a newer page has converted the database: the page says to reload', { tag: '@slow' }, async ({
  guest,
  site,
}) => {
  test.slow();
  await checkpoint(guest);
  const beside = await openBeside(guest, site);
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        indexedDB.open('holdfast', 1000).onsuccess = ({ target }) => {
          (target as IDBOpenDBRequest).result.close();
          done();
        };
      }),
  );
  await runsAndIsNotSaved(guest);
  await expect(notices(guest.page)).toContainText('Reload this page');
  await expect(notices(guest.page)).not.toContainText('private browsing');
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        indexedDB.deleteDatabase('holdfast').onsuccess = () => done();
      }),
  );
  await runsAndIsSaved(guest);
});

declare const window: PlaygroundWindow & Window;

/** Undefined: there is no guest. */
const runstateOf = (page: Page) => page.evaluate(() => window.holdfast?.machine?.status?.runstate);

test('[S6] [F7] the site went back to an older version: nothing starts, and what is stored can be exported', {
  tag: '@slow',
}, async ({ profile, site }) => {
  test.slow();
  const none = async () => undefined;
  const guest = await openDamaged({ profile, site }, none);
  const { page } = guest;
  await expect(playground(page).state('found')).toContainText(
    'resumed from a checkpoint',
    byItself,
  );
  await profile.stop();
  const again = await (await profile.start()).newPage();
  await again.goto(site.urlOf('build.json'));
  await again.evaluate(
    () =>
      new Promise<void>((done, fail) => {
        // As a newer store does, which keeps the tables that this one knows.
        const request = indexedDB.open('holdfast', 1000);
        request.onsuccess = () => {
          request.result.close();
          done();
        };
        request.onerror = () => fail(request.error);
      }),
  );
  await again.goto(site.url);
  const notice = notices(again);
  await expect(notice).toContainText('This site went back to an older version', byItself);
  await expect(notice).not.toContainText('eload');
  expect(await runstateOf(again)).toBeUndefined();

  await notice.getByRole('button', { name: 'Export machines…' }).click();
  const dialog = playground(again).machinesDialog;
  await dialog.getByRole('button', { name: 'Export… Linux' }).click();
  for (const gone of ['Rename… Linux', 'Delete… Linux', 'Duplicate Linux'])
    await expect(dialog.getByRole('button', { name: gone })).toHaveCount(0);
  const folder = await savedArchive(again, () =>
    dialog.getByRole('button', { name: /everything/i }).click(),
  );
  try {
    const said = await readFile(join(folder, 'console/serial0.txt'), 'utf8');
    expect(said).toContain('kept=here');
  } finally {
    await rm(folder, { recursive: true });
  }
  await dialog.getByRole('button', { name: 'Close' }).click();
  await notice.getByRole('button', { name: 'Start without saving' }).click();
  await expect.poll(() => runstateOf(again), byItself).toBe('running');
});

test('site data is blocked: the guest boots, and the page says that it will not be saved', async ({
  profile,
  site,
}) => {
  await mkdir(join(profile.folder, 'Default'), { recursive: true });
  const blockSiteData = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile.folder, 'Default/Preferences'), JSON.stringify(blockSiteData));
  const guest = await Guest.in(await (await profile.start()).newPage());
  await guest.open(site.url);
  await guest.waitForSerial(prompt);
  await expect(notices(guest.page)).toContainText(notSaved);
  await expect(notices(guest.page)).toContainText('private browsing');
  expect((await guest.run('echo $((6*7))')).output).toBe('42\n');
});

type Part = 'record' | 'manifest';

/** In the first place alone, or in the second copy as well. */
type Places = 'the first place' | 'both places';

/** Flips a bit in the records of the newest checkpoint only, or of every one. */
async function damage(
  page: Page,
  part: Part,
  which: 'newest' | 'all',
  places: Places,
): Promise<void> {
  await page.evaluate(
    async ([part, which, places]) => {
      const result = <T>(request: IDBRequest<T>) =>
        new Promise<T>((done, fail) => {
          request.onsuccess = () => done(request.result);
          request.onerror = () => fail(request.error);
        });
      interface Buckets {
        keys(): Promise<string[]>;
        open(name: string): Promise<{ indexedDB: IDBFactory }>;
      }
      const { storageBuckets } = navigator as unknown as { storageBuckets: Buckets };
      const factories = [indexedDB];
      if (places === 'both places') {
        for (const name of await storageBuckets.keys())
          if (/^holdfast-\d+$/.test(name))
            factories.push((await storageBuckets.open(name)).indexedDB);
        if (factories.length < 2) throw new Error('There is no second copy.');
      }
      let damaged: IDBValidKey[] | undefined;
      for (const factory of factories) {
        const database = await result(factory.open('holdfast'));
        if (!damaged) {
          const generations = database.transaction('generations').objectStore('generations');
          const rows: { number: number; machine: string; records: Float64Array }[] = await result(
            generations.getAll(),
          );
          const [newest, before] = rows.sort((a, b) => b.number - a.number);
          if (!newest || !before) throw new Error('There are not two checkpoints in storage.');
          // The two share the records that have not changed.
          const others = new Set(before.records);
          const record = [...newest.records].find((id) => others.has(id) === (which === 'all'));
          const manifests = (which === 'all' ? rows : [newest]).map((row) => [
            row.machine,
            row.number,
          ]);
          if (part === 'record' && record === undefined) throw new Error('No such record.');
          damaged = part === 'manifest' ? manifests : [record as number];
        }
        const name = part === 'manifest' ? 'manifests' : 'records';
        const storeIn = (mode: IDBTransactionMode) =>
          database.transaction(name, mode).objectStore(name);
        type Row = { bytes: Uint8Array<ArrayBuffer> | Blob };
        for (const key of damaged) {
          const value: Uint8Array<ArrayBuffer> | Row | undefined = await result(
            storeIn('readonly').get(key),
          );
          // The copy only has the newest.
          if (!value) continue;
          const stored = value instanceof Uint8Array ? value : value.bytes;
          // Large records are Blobs.
          const bytes =
            stored instanceof Blob ? new Uint8Array(await stored.arrayBuffer()) : stored;
          bytes[bytes.length >> 1]! ^= 1;
          const row = stored instanceof Blob ? { ...value, bytes: new Blob([bytes]) } : value;
          const store = storeIn('readwrite');
          store.put(row, key);
          // A request succeeds before its Blob is written, and a page that closes cancels the
          // write.
          await new Promise<void>((done, fail) => {
            store.transaction.oncomplete = () => done();
            store.transaction.onabort = () => fail(store.transaction.error);
          });
        }
        database.close();
      }
    },
    [part, which, places] as const,
  );
}

/** Leaves two checkpoints, whose `kept` differs, and opens the page after they were damaged. */
async function resumeDamaged(
  { profile, site }: { profile: Profile; site: Site },
  part: Part,
  which: 'newest' | 'all',
  places: Places = 'both places',
): Promise<Guest> {
  const before = await Guest.in(await (await profile.start()).newPage());
  await before.open(site.url);
  await before.waitForSerial(prompt);
  await before.machine((machine) => machine.setDurable(false));
  for (const kept of ['older', 'newer']) {
    await before.run(`kept=${kept}`);
    await checkpoint(before);
  }
  await profile.kill();

  const guest = await Guest.in(await (await profile.start()).newPage());
  await guest.page.goto(site.urlOf('build.json'));
  await damage(guest.page, part, which, places);
  await guest.page.goto(site.url);
  return guest;
}

for (const part of ['record', 'manifest'] as const) {
  test(`a damaged ${part}: the guest resumes from the checkpoint before, and the page reports it`, async ({
    profile,
    site,
  }) => {
    const guest = await resumeDamaged({ profile, site }, part, 'newest');
    await expect(notices(guest.page)).toContainText('The newest checkpoint was damaged', byItself);
    await expect(notices(guest.page)).toContainText('from the one before');
    expect((await guest.run('echo $kept')).output).toBe('older\n');
    await checkpoint(guest);
    await runsAndIsSaved(guest);
  });
}

for (const part of ['record', 'manifest'] as const) {
  test(`[S1] a damaged ${part} in the first place: the guest resumes from the newest checkpoint of the second`, async ({
    profile,
    site,
  }) => {
    const guest = await resumeDamaged({ profile, site }, part, 'newest', 'the first place');
    await expect(playground(guest.page).state('found')).toContainText('resumed from a checkpoint');
    await expect(notices(guest.page)).toHaveText('');
    expect((await guest.run('echo $kept')).output).toBe('newer\n');
    await checkpoint(guest);
    await runsAndIsSaved(guest);
  });
}

/** Returns the archive that a click saves, as `tar` unpacks it. */
async function savedArchive(page: Page, click: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  expect(download.suggestedFilename()).toMatch(/\.tar$/);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
  execFileSync('tar', ['-xf', await download.path(), '-C', folder]);
  return folder;
}

for (const part of ['record', 'manifest'] as const) {
  test(`a damaged ${part} in both checkpoints: the rest can be exported, and a new guest starts`, {
    tag: '@slow',
  }, async ({ profile, site }) => {
    test.slow();
    const guest = await resumeDamaged({ profile, site }, part, 'all');
    const { page } = guest;
    const offer = notices(page).getByRole('alert');
    await expect(offer).toContainText('The stored guest is damaged', byItself);
    // Nothing is deleted before the user agrees.
    await page.reload();
    await expect(offer).toContainText('The stored guest is damaged', byItself);

    const folder = await savedArchive(page, () =>
      offer.getByRole('button', { name: 'Export what is left' }).click(),
    );
    try {
      const { missing } = JSON.parse(await readFile(join(folder, 'machine.json'), 'utf8'));
      expect(missing.join()).toContain(part === 'record' ? 'records cannot be read' : 'manifest');
      await expect(notices(page)).toContainText(missing[0]);
      const memory = part === 'record' ? 'pc.ram.bin' : 'all.bin';
      const ram = await readFile(join(folder, 'memory', memory));
      expect(ram.includes('Linux version')).toBe(true);
      const said = await readFile(join(folder, 'console/serial0.txt'), 'utf8');
      expect(said).toContain('kept=newer');
    } finally {
      await rm(folder, { recursive: true });
    }

    await offer.getByRole('button', { name: 'Start fresh' }).click();
    const question = playground(page).question;
    await expect(question).toContainText('is deleted for good');
    await question.getByRole('button', { name: 'Cancel' }).click();
    await page.reload();
    await offer.getByRole('button', { name: 'Start fresh' }).click(byItself);
    await question.getByRole('button', { name: /discard/i }).click();
    await guest.waitForSerial(prompt);
    await checkpoint(guest);
    await runsAndIsSaved(guest);
    expect((await guest.run('echo "$kept"')).output).toBe('\n');
  });
}
