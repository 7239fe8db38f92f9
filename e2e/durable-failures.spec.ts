/** A guest whose storage fails, goes away or is damaged: it runs on, and the page says what that means. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { Profile } from './profile.ts';
import { test as base, expect, Guest, type Site } from './test.ts';

const test = base.extend<{ profile: Profile }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  profile: async ({}, use) => {
    const profile = await Profile.make();
    await use(profile);
    await profile.delete();
  },
});

const notices = (page: Page) => page.locator('#notices');
const saved = (page: Page) => page.locator('#state-saved');
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

test('a full disk: the page says so, and the guest is saved when there is room', async ({
  page,
  site,
}) => {
  test.slow();
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(site.url);
  // Before anything is written: Chromium remembers for a while how much room there was.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1024 * 1024 });
  const guest = await Guest.in(page);
  await guest.open(site.url);
  await guest.waitForSerial(/holdfast:~# /);
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
    .poll(() => guest.machine(async ({ shelf }) => (await shelf.list()).map(({ id }) => id)))
    .toEqual(['default']);
});

test('a deletion that another page holds up: the page says whom to close', async ({
  guest,
  site,
}) => {
  test.slow();
  await checkpoint(guest);
  const beside = await openBeside(guest, site);
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        // It does not close when it is asked to.
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

/** Keeps whoever opens the database from getting it, until the returned function is called. */
async function keepFromOpening(beside: Page): Promise<() => Promise<void>> {
  await beside.evaluate(
    () =>
      new Promise<void>((done) => {
        indexedDB.open('holdfast').onsuccess = ({ target }) => {
          const held = (target as IDBOpenDBRequest).result;
          // What comes after a conversion waits for it, and that waits for this connection.
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
    await before.waitForSerial(/holdfast:~# /);
    await before.run('kept=here');
    await checkpoint(before);
    await profile.stop();
    const page = await (await profile.start()).newPage();
    const guest = await Guest.in(page);
    const beside = await openBeside(guest, site);
    const letGo = await keepFromOpening(beside);
    await guest.open(site.url);
    await guest.waitForSerial(/holdfast:~# /);
    await expect(notices(page)).toContainText('not be saved', byItself);
    await letGo();
    await expect(notices(page)).toContainText('Another guest is in storage', byItself);
    return guest;
  }

  test('the guest that is stored is not overwritten by the one that boots', async ({
    profile,
    site,
  }) => {
    test.slow();
    const guest = await unread(profile, site);
    await guest.page.getByRole('button', { name: 'Resume the stored one' }).click();
    await expect(guest.page.locator('#state-found')).toContainText('resumed from a checkpoint');
    expect((await guest.run('echo $kept')).output).toBe('here\n');
    await runsAndIsSaved(guest);
  });

  test('its user may give its place to the new one', async ({ profile, site }) => {
    test.slow();
    const guest = await unread(profile, site);
    const replace = guest.page.getByRole('button', { name: 'Save this one in its place…' });
    const question = guest.page.locator('#confirm-dialog');
    await replace.click();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await replace.click();
    await question.getByRole('button', { name: 'Delete the stored one' }).click();
    await runsAndIsSaved(guest);
    await guest.reloadPage();
    expect((await guest.run('echo "$kept"')).output).toBe('\n');
  });
});

test('a database that the browser finds damaged and throws away: the page says so', async ({
  profile,
  site,
}) => {
  test.slow();
  const before = await Guest.in(await (await profile.start()).newPage());
  await before.open(site.url);
  await before.waitForSerial(/holdfast:~# /);
  await checkpoint(before);
  await profile.stop();
  const databases = join(profile.folder, 'Default/IndexedDB');
  const found = (await readdir(databases)).find((name) => name.endsWith('.leveldb'));
  // LevelDB's pointer to all the rest.
  await writeFile(join(databases, found ?? '', 'CURRENT'), 'damaged');

  const page = await (await profile.start()).newPage();
  const guest = await Guest.in(page);
  await guest.open(site.url);
  await guest.waitForSerial(/holdfast:~# /);
  await expect(notices(page)).toContainText('The browser threw away what was stored here');
  await runsAndIsSaved(guest);
  await guest.reloadPage();
  await runsAndIsSaved(guest);
  await expect(notices(page)).not.toContainText('threw away');
});

test('a newer page has converted the database: the page says to reload', async ({
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

test('site data is blocked: the guest boots, and the page says that it will not be saved', async ({
  profile,
  site,
}) => {
  await mkdir(join(profile.folder, 'Default'), { recursive: true });
  const blockSiteData = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile.folder, 'Default/Preferences'), JSON.stringify(blockSiteData));
  const guest = await Guest.in(await (await profile.start()).newPage());
  await guest.open(site.url);
  await guest.waitForSerial(/holdfast:~# /);
  await expect(notices(guest.page)).toContainText(notSaved);
  await expect(notices(guest.page)).toContainText('private browsing');
  expect((await guest.run('echo $((6*7))')).output).toBe('42\n');
});

type Part = 'record' | 'manifest';

/** Flips a bit in what is stored of the newest checkpoint alone, or of every one. */
async function damage(page: Page, part: Part, which: 'newest' | 'all'): Promise<void> {
  await page.evaluate(
    async ([part, which]) => {
      const result = <T>(request: IDBRequest<T>) =>
        new Promise<T>((done, fail) => {
          request.onsuccess = () => done(request.result);
          request.onerror = () => fail(request.error);
        });
      const database = await result(indexedDB.open('holdfast'));
      const transaction = database.transaction(
        ['generations', 'manifests', 'records'],
        'readwrite',
      );
      const rows: { number: number; machine: string; records: Float64Array }[] = await result(
        transaction.objectStore('generations').getAll(),
      );
      const [newest, before] = rows.sort((a, b) => b.number - a.number);
      if (!newest || !before) throw new Error('There are not two checkpoints in storage.');
      if (part === 'manifest') {
        const store = transaction.objectStore('manifests');
        for (const { machine, number } of which === 'all' ? rows : [newest]) {
          const bytes: Uint8Array = await result(store.get([machine, number]));
          bytes[bytes.length >> 1]! ^= 1;
          await result(store.put(bytes, [machine, number]));
        }
      } else {
        // The two share what has not changed between them.
        const others = new Set(before.records);
        const id = [...newest.records].find((id) => others.has(id) === (which === 'all'));
        if (id === undefined) throw new Error('There is no such record.');
        const store = transaction.objectStore('records');
        const record: { bytes: Uint8Array } = await result(store.get(id));
        record.bytes[record.bytes.length >> 1]! ^= 1;
        await result(store.put(record, id));
      }
      database.close();
    },
    [part, which] as const,
  );
}

/** Leaves two checkpoints, `kept` telling which, and opens the page after they were damaged. */
async function resumeDamaged(
  { profile, site }: { profile: Profile; site: Site },
  part: Part,
  which: 'newest' | 'all',
): Promise<Guest> {
  const before = await Guest.in(await (await profile.start()).newPage());
  await before.open(site.url);
  await before.waitForSerial(/holdfast:~# /);
  await before.machine((machine) => machine.setDurable(false));
  for (const kept of ['older', 'newer']) {
    await before.run(`kept=${kept}`);
    await checkpoint(before);
  }
  await profile.kill();

  const guest = await Guest.in(await (await profile.start()).newPage());
  await guest.page.goto(site.urlOf('build.json'));
  await damage(guest.page, part, which);
  await guest.page.goto(site.url);
  return guest;
}

for (const part of ['record', 'manifest'] as const) {
  test(`a damaged ${part}: the guest goes on from the checkpoint before, and the page says so`, async ({
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

/** What a click saves, as `tar` unpacks it. */
async function savedArchive(page: Page, click: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  expect(download.suggestedFilename()).toMatch(/\.tar$/);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
  execFileSync('tar', ['-xf', await download.path(), '-C', folder]);
  return folder;
}

for (const part of ['record', 'manifest'] as const) {
  test(`a damaged ${part} in both checkpoints: what is left can be had, and a new guest`, async ({
    profile,
    site,
  }) => {
    test.slow();
    const guest = await resumeDamaged({ profile, site }, part, 'all');
    const { page } = guest;
    const offer = notices(page).getByRole('alert');
    await expect(offer).toContainText('What is stored of this guest is damaged', byItself);
    // Nothing is thrown away before its user says so.
    await page.reload();
    await expect(offer).toContainText('What is stored of this guest is damaged', byItself);

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
    const question = page.locator('#confirm-dialog');
    await expect(question).toContainText('is deleted for good');
    await question.getByRole('button', { name: 'Cancel' }).click();
    await page.reload();
    await offer.getByRole('button', { name: 'Start fresh' }).click(byItself);
    await question.getByRole('button', { name: /throw away/i }).click();
    await guest.waitForSerial(/holdfast:~# /);
    await checkpoint(guest);
    await runsAndIsSaved(guest);
    expect((await guest.run('echo "$kept"')).output).toBe('\n');
  });
}
