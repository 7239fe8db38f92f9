/** The second copy of what is stored, and what the store makes of it when the first place is gone. */
import type { Worker } from '@playwright/test';
import { copyWriteNames, writeStages } from '../src/store/crash-windows.ts';
import { Profile } from './profile.ts';
import { specs } from './store/contract.ts';
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

/** Opened anew after the first place was deleted as a whole. */
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

test('[S1] a machine or saved state that was deleted does not come back from the second place', async ({
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

test('[S2] what neither place has any more is told once, by name and time', async ({
  startOpener,
}) => {
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
  const lost = () =>
    next.evaluate(async () => {
      await lab.openKeptStore();
      return (await lab.store().usage()).lost;
    });
  const found = await lost();
  expect(found?.map(({ name }) => name).sort()).toEqual(['m', 'other']);
  for (const { takenAtMs } of found ?? []) expect(takenAtMs).toBeGreaterThanOrEqual(beganMs);
  expect(await lost()).toBeUndefined();
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
  // Nor is it in what the second place would give.
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

for (const damaged of [false, true]) {
  const then = damaged ? 'is left when it has a machine that nobody can read' : 'is deleted';
  test(`[F3] a first place that was retired ${then}`, async ({ startOpener }) => {
    const opener = (await startOpener()) as Worker;
    await opener.evaluate(async (damaged) => {
      await lab.prepareKept();
      lab.store().close();
      if (damaged) await lab.damageManifests('other');
      // As a worker does whose write was refused.
      await new Promise((held) => {
        void navigator.locks.request('holdfast.retired 0', { mode: 'shared' }, () => {
          held(undefined);
          return new Promise(() => undefined);
        });
      });
      await lab.openKeptStore();
    }, damaged);
    expect(newest(await opener.evaluate(() => lab.snapshot()))).toContainEqual({
      name: 'm',
      newest: specs(1, 2),
    });
    const databases = () =>
      opener.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    if (damaged) {
      // The copy is complete then: what is older has been deleted.
      await opener.evaluate(async () => {
        await lab.openMachine('m');
        await lab.checkpoint('m', [{ seed: 3, sizeBytes: 1024 }]);
        await lab.store().rename('m', 'm');
      });
      expect(await databases()).toContain('holdfast');
    } else await expect.poll(databases).not.toContain('holdfast');
  });
}

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

/** When all of it was done. */
function newestAfter(write: (typeof copyWriteNames)[number], before: Newest): Newest {
  if (write === 'copy-remove') return before.filter(({ name }) => name !== 'm');
  return replaced(write, before, specs(11));
}

/** When its first checkpoint was done. */
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
