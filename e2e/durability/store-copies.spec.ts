/**
 * The second copy of the stored machines, and its use by the store when the first place is lost.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worker } from '@playwright/test';
import { copyWriteNames, writeStages } from '../../src/store/crash-windows.ts';
import { movedVersion, schemaVersion } from '../../src/store/schema.ts';
import { Profile } from '../support/profile.ts';
import { specs } from './store/contract/opener.ts';
import type { Snapshot } from './store/lab.ts';
import type { LabServer } from './store/lab-server.ts';
import { test as base, expect, openLab, startLabWorker } from './store/test.ts';

const test = base.extend<{ profile: Profile }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the destructuring.
  profile: async ({}, use) => {
    const profile = await Profile.make();
    await use(profile);
    await profile.delete();
  },
});

async function startBrowser(profile: Profile, server: LabServer): Promise<Worker> {
  const context = await profile.start();
  return startLabWorker(await openLab(await context.newPage(), server));
}

/** Opened again after the first place was deleted as a whole. */
async function withoutFirst(worker: Worker): Promise<Snapshot> {
  await worker.evaluate(() => lab.deleteDatabase());
  return worker.evaluate(async () => {
    await lab.openKeptStore();
    return lab.snapshot();
  });
}

const newest = (snapshot: Snapshot) =>
  snapshot.machines.map(({ name, generations }) => ({ name, newest: generations[0]?.records }));

test('[S1] the second place alone has the newest of each machine and all saved states', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(() => lab.prepareKept());
  const found = await withoutFirst((await startOpener()) as Worker);
  expect(newest(found)).toEqual([
    { name: 'm', newest: specs(1, 2) },
    { name: 'other', newest: specs(7) },
  ]);
  expect(found.entries).toEqual([{ name: 'e', sizeBytes: 3 * 1024 * 1024 }]);
});

test('[F4] records that are written with their generation are in both places', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  const reached = await opener.evaluate(
    async (seeds) => {
      await lab.prepareKept();
      const before = lab.reached.length;
      for (const held of seeds) await lab.checkpoint('m', [], held);
      return lab.reached.slice(before).filter((window) => window.endsWith('committed'));
    },
    [specs(3, 4), specs(5, 6)],
  );
  expect(reached, 'one transaction in each place').toEqual(
    Array(2).fill(['publish:committed', 'copy-generation:committed']).flat(),
  );
  const found = await withoutFirst((await startOpener()) as Worker);
  expect(newest(found)).toContainEqual({ name: 'm', newest: specs(5, 6) });
});

test('[F4] checkpoints do not wait until the second place is prepared, which then has the newest', async ({
  profile,
  server,
}) => {
  const before = await startBrowser(profile, server);
  await before.evaluate(() => lab.prepareKept());
  await profile.kill();
  const worker = await startBrowser(profile, server);
  const reached = await worker.evaluate(
    async ([first, second]) => {
      await lab.openKeptStore();
      await lab.openMachine('m', false);
      const release = await lab.holdLock('holdfast.renewal');
      await lab.checkpoint('m', first);
      const from = lab.reached.length;
      await lab.checkpoint('m', second);
      const during = lab.reached.slice(from).filter((window) => window.endsWith('committed'));
      release();
      return during;
    },
    [specs(3), specs(4, 5)] as const,
  );
  expect(reached).toEqual(['put-records:committed', 'publish:committed']);
  await expect
    .poll(() => worker.evaluate(() => lab.reached.includes('copy-generation:committed')))
    .toBe(true);
  const found = await withoutFirst(worker);
  expect(newest(found)).toContainEqual({ name: 'm', newest: specs(4, 5) });
});

test('[F13] a generation whose copy was postponed is in the first place, and the next one in both', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  const copied = await opener.evaluate(
    async ([late, next]) => {
      await lab.prepareKept();
      const before = lab.reached.length;
      lab.postponeCopies('m', true);
      const records = await lab.checkpoint('m', late);
      lab.postponeCopies('m', false);
      const first = lab.reached.slice(before).filter((window) => window.startsWith('copy'));
      const more = await lab.put('m', next);
      await lab.publish('m', [...late, ...next], [...records, ...more]);
      return first;
    },
    [specs(3, 4), specs(5)] as const,
  );
  expect(copied).toEqual([]);
  const found = await withoutFirst((await startOpener()) as Worker);
  expect(newest(found)).toContainEqual({ name: 'm', newest: specs(3, 4, 5) });
});

test('[F4] a large record that is lost in the first place comes from the second, and is mended', async ({
  profile,
  server,
}) => {
  const large = [{ seed: 3, sizeBytes: 1024 * 1024 }];
  const before = await startBrowser(profile, server);
  await before.evaluate(async (records) => {
    await lab.openKeptStore();
    await lab.openMachine('m');
    await lab.checkpoint('m', records);
  }, large);
  await profile.stop();
  const files = await readdir(join(profile.folder, 'Default/IndexedDB'), { recursive: true });
  const blobs = files.filter((file) => /\.indexeddb\.blob\/.*\/[0-9a-f]+$/.test(file));
  let removed = 0;
  for (const blob of blobs) {
    const path = join(profile.folder, 'Default/IndexedDB', blob);
    if ((await stat(path)).size < 1024 * 1024) continue;
    await rm(path);
    removed++;
  }
  expect(removed).toBe(1);

  const after = await startBrowser(profile, server);
  const read = await after.evaluate(async () => {
    await lab.openKeptStore();
    await lab.readBack('m');
    return lab.readBack('m');
  });
  expect(read).toEqual([{ number: 1, records: large }]);
});

test('[S1] a deleted machine or saved state does not reappear from the second place', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async () => {
    await lab.prepareKept();
    await lab.store().remove('m');
    await lab.store().entries.delete('e');
  });
  const found = await withoutFirst((await startOpener()) as Worker);
  expect(newest(found)).toEqual([{ name: 'other', newest: specs(7) }]);
  expect(found.entries).toEqual([]);
});

test('[S2] a loss in both places is reported once, by name and time', async ({ startOpener }) => {
  const opener = (await startOpener()) as Worker;
  const beganMs = Date.now();
  await opener.evaluate(() => lab.prepareKept());
  const next = (await startOpener()) as Worker;
  await next.evaluate(async () => {
    const { storageBuckets } = navigator as unknown as {
      storageBuckets: { keys(): Promise<string[]>; delete(name: string): Promise<void> };
    };
    for (const name of await storageBuckets.keys()) await storageBuckets.delete(name);
    await lab.deleteDatabase();
  });
  const lost = (worker: Worker) =>
    worker.evaluate(async () => {
      await lab.openKeptStore();
      return (await lab.store().usage()).lost;
    });
  const found = await lost(next);
  expect(found?.map(({ name }) => name).sort()).toEqual(['m', 'other']);
  for (const { takenAtMs } of found ?? []) expect(takenAtMs).toBeGreaterThanOrEqual(beganMs);
  // A store that this worker opens again reports it too, until the page has received it.
  expect(await lost(next)).toEqual(found);
  expect(await lost((await startOpener()) as Worker)).toBeUndefined();
});

test('[S1] what is deleted stays deleted, also when the second place refuses to delete it', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async () => {
    await lab.prepareKept();
    await lab.openKeptStore({ throwAt: 'copy-remove:begun' });
    await lab.store().remove('m');
    await lab.openKeptStore({ throwAt: 'copy-entry:begun' });
    await lab.store().entries.delete('e');
  });
  const next = (await startOpener()) as Worker;
  const names = () =>
    next.evaluate(async () => {
      await lab.openKeptStore();
      const { machines, entries } = await lab.snapshot();
      return [...machines, ...entries].map(({ name }) => name);
    });
  expect(await names()).toEqual(['other']);
  // It is not in the second place either.
  await next.evaluate(() => lab.deleteDatabase());
  expect(await names()).not.toContain('m');
});

test('[S1] a machine that was renamed has its new name in the second place', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async () => {
    await lab.prepareKept();
    await lab.store().rename('other', 'renamed');
  });
  const found = await withoutFirst((await startOpener()) as Worker);
  expect(newest(found)).toContainEqual({ name: 'renamed', newest: specs(7) });
});

/** Like a worker whose write was refused. */
const retireFirst = (worker: Worker) =>
  worker.evaluate(
    () =>
      new Promise<void>((held) => {
        void navigator.locks.request('holdfast.retired 0', { mode: 'shared' }, () => {
          held();
          return new Promise(() => undefined);
        });
      }),
  );

const defaultVersion = (worker: Worker) => worker.evaluate(() => lab.defaultVersion());
const placeNames = (worker: Worker) => worker.evaluate(() => lab.placeNames());

test('[F3] a first place that was retired is emptied, and an older page does not store in it', async ({
  startOpener,
}) => {
  const older = (await startOpener()) as Worker;
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async () => {
    await lab.prepareKept();
    lab.store().close();
  });
  // This store only knows the default IndexedDB.
  await older.evaluate(() => lab.openStore());
  await retireFirst(opener);
  await opener.evaluate(() => lab.openKeptStore());
  expect(newest(await opener.evaluate(() => lab.snapshot()))).toContainEqual({
    name: 'm',
    newest: specs(1, 2),
  });
  await expect.poll(() => defaultVersion(opener)).toBe(movedVersion);
  const stored = () =>
    older.evaluate(async () => (await lab.failure(() => lab.openMachine('m')))?.code);
  expect(await stored()).toBe('storage-blocked');
  expect(await older.evaluate(() => lab.losses)).toContain('newer-page');
  const opened = await older.evaluate(
    () =>
      new Promise<string>((done) => {
        const request = indexedDB.open('holdfast', 1);
        request.onsuccess = () => done('opened');
        request.onerror = () => done(request.error?.name ?? '');
      }),
  );
  expect(opened, 'what a build without places is told').toBe('VersionError');
});

test('[F3] a place with an unreadable machine is left until the machine is stored anew', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async () => {
    await lab.prepareKept();
    lab.store().close();
    await lab.damageManifests('other');
  });
  await retireFirst(opener);
  await opener.evaluate(async () => {
    await lab.openKeptStore();
    // The copy is complete then: older records have been deleted.
    await lab.openMachine('m');
    await lab.checkpoint('m', [{ seed: 3, sizeBytes: 1024 }]);
    await lab.store().rename('m', 'm');
  });
  expect(await defaultVersion(opener)).toBe(schemaVersion);
  expect((await placeNames(opener)).filter((name) => name.endsWith('kept'))).not.toEqual([]);
  const next = (await startOpener()) as Worker;
  await next.evaluate(async () => {
    await lab.openKeptStore();
    await lab.openMachine('other');
    await lab.checkpoint('other', [{ seed: 4, sizeBytes: 1024 }]);
  });
  await expect.poll(() => defaultVersion(next)).toBe(movedVersion);
  const kept = async () => (await placeNames(next)).filter((name) => name.endsWith('kept'));
  await expect.poll(kept).toEqual([]);
});

test('[F3] a newest state that is damaged in the place that failed is taken from the copy', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  await opener.evaluate(async (records) => {
    await lab.prepareKept();
    await lab.checkpoint('m', records);
    lab.store().close();
    await lab.change('manifests', ['m', 2], () => new Uint8Array(1));
  }, specs(5));
  await retireFirst(opener);
  await opener.evaluate(() => lab.openKeptStore());
  expect(newest(await opener.evaluate(() => lab.snapshot()))).toContainEqual({
    name: 'm',
    newest: specs(5),
  });
});

test('[F2] a place that failed is not written again after the browser was killed', async ({
  profile,
  server,
}) => {
  const worker = await startBrowser(profile, server);
  await worker.evaluate(async () => {
    await lab.prepareKept();
    await lab.failPlace(0);
  });
  await profile.kill();
  const next = await startBrowser(profile, server);
  const after = await next.evaluate(async () => {
    await lab.openKeptStore();
    await lab.openMachine('m');
    await lab.checkpoint('m', [{ seed: 3, sizeBytes: 1024 }]);
    return lab.snapshot();
  });
  expect(newest(after)).toContainEqual({ name: 'm', newest: [{ seed: 3, sizeBytes: 1024 }] });
  expect(await placeNames(next)).toContain('holdfast-2-ready');
  await expect.poll(() => defaultVersion(next)).toBe(movedVersion);
  await expect.poll(() => next.evaluate(() => lab.hasFailed(0))).toBe(false);
});

test('[F8] before the log of an earlier life is renewed, the copy has what the first place has', async ({
  profile,
  server,
}) => {
  const worker = await startBrowser(profile, server);
  await worker.evaluate(() => lab.prepareKept());
  await profile.kill();
  const next = await startBrowser(profile, server);
  const reached = await next.evaluate(async () => {
    const { storageBuckets } = navigator as unknown as {
      storageBuckets: { delete(name: string): Promise<void> };
    };
    // As in a place that was abandoned for a while.
    for (const name of await lab.placeNames()) await storageBuckets.delete(name);
    await lab.openKeptStore();
    await lab.openMachine('m');
    return lab.reached;
  });
  const first = reached.findIndex((window) => window.startsWith('open:'));
  const copied = reached.filter((window) => window === 'copy-generation:committed');
  expect(copied, 'both machines').toHaveLength(2);
  expect(reached.lastIndexOf('copy-generation:committed')).toBeLessThan(first);
});

test('[F4] a second page mends, reads marks and moves nothing while the first one stores', async ({
  startOpener,
}) => {
  const first = (await startOpener()) as Worker;
  const second = (await startOpener()) as Worker;
  await first.evaluate(() => lab.prepareKept());
  const rounds = 12;
  const storing = first.evaluate(async (rounds) => {
    for (let seed = 20; seed < 20 + rounds; seed++) {
      await lab.checkpoint('m', [{ seed, sizeBytes: 256 * 1024 }]);
      if (seed % 4 === 0) await lab.store().remove('other');
      if (seed % 4 === 2) {
        await lab.openMachine('other');
        await lab.checkpoint('other', [{ seed, sizeBytes: 1024 }]);
        await lab.openMachine('m');
      }
    }
  }, rounds);
  let isStoring = true;
  const ended = storing.finally(() => {
    isStoring = false;
  });
  const lost: unknown[] = [];
  do {
    lost.push(
      await second.evaluate(async () => {
        await lab.openKeptStore();
        const { lost } = await lab.store().usage();
        lab.store().close();
        return lost;
      }),
    );
  } while (isStoring);
  await ended;
  expect(lost.filter((machines) => machines !== undefined)).toEqual([]);
  const last = { name: 'm', newest: [{ seed: 19 + rounds, sizeBytes: 256 * 1024 }] };
  expect(newest(await first.evaluate(() => lab.snapshot()))).toContainEqual(last);
  await first.evaluate(() => lab.store().close());
  expect(newest(await withoutFirst(second))).toContainEqual(last);
});

test('[F4] a repair from the copy does not fence off a keeper that opened the machine meanwhile', async ({
  startOpener,
}) => {
  const opener = (await startOpener()) as Worker;
  const onItsWay = await opener.evaluate(async () => {
    await lab.prepareKept();
    await lab.checkpoint('m', [{ seed: 3, sizeBytes: 1024 }]);
    // The first place has lost its newest generation, as a damaged log loses its last entries.
    await lab.change('machines', 'm', (row: object) => ({
      ...row,
      generation: 1,
      takenAtMs: 1,
    }));
    await lab.openStore();
    await lab.openMachine('m', false);
    return lab.put('m', [{ seed: 6, sizeBytes: 1024 }]);
  });
  const second = (await startOpener()) as Worker;
  await second.evaluate(() => lab.openKeptStore());
  expect(newest(await second.evaluate(() => lab.snapshot()))).toContainEqual({
    name: 'm',
    newest: [{ seed: 3, sizeBytes: 1024 }],
  });
  await opener.evaluate((ids) => lab.publish('m', [{ seed: 6, sizeBytes: 1024 }], ids), onItsWay);
  expect(newest(await opener.evaluate(() => lab.snapshot()))).toContainEqual({
    name: 'm',
    newest: [{ seed: 6, sizeBytes: 1024 }],
  });
});

for (const write of copyWriteNames) {
  test(`[S1] a browser killed in a crash window of ${write}: both places are whole`, async ({
    profile,
    server,
  }) => {
    let worker = await startBrowser(profile, server);
    for (const stage of writeStages) {
      const window = `${write}:${stage}` as const;
      await worker.evaluate(async () => {
        await lab.prepareKept();
      });
      const before = newest(await worker.evaluate(() => lab.snapshot()));
      const reached = server.windowReached();
      const performed = worker.evaluate(
        ({ write, window }) => lab.performKept(write, { stopAt: window }),
        { write, window },
      );
      await Promise.race([reached, performed.then(() => expect(window).toBe('reached'))]);
      await profile.kill();
      worker = await startBrowser(profile, server);
      const possible = [before, newestAfter(write, before)];
      const after = await worker.evaluate(async () => {
        await lab.openKeptStore();
        return lab.snapshot();
      });
      expect(possible.concat([newestBetween(write, before)]), window).toContainEqual(newest(after));
      const copied = newest(await withoutFirst(worker));
      expect(possible.concat([newestBetween(write, before)]), window).toContainEqual(copied);
    }
  });
}

type Newest = ReturnType<typeof newest>;

/** Returns the newest generations after a complete write. */
function newestAfter(write: (typeof copyWriteNames)[number], before: Newest): Newest {
  if (write === 'copy-remove') return before.filter(({ name }) => name !== 'm');
  return replaced(write, before, specs(11));
}

/** Returns the newest generations after the first checkpoint. */
function newestBetween(write: (typeof copyWriteNames)[number], before: Newest): Newest {
  return replaced(write, before, specs(9, 10));
}

function replaced(
  write: (typeof copyWriteNames)[number],
  before: Newest,
  records: ReturnType<typeof specs>,
): Newest {
  if (write === 'copy-remove' || write === 'copy-entry') return before;
  return before.map((row) => (row.name === 'm' ? { ...row, newest: records } : row));
}
