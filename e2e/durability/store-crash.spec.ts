/** The browser dies: killed at each crash window, or with files of its profile gone. */
import type { Worker } from '@playwright/test';
import { writeNames, writeStages } from '../../src/store/crash-windows.ts';
import { Profile } from '../support/profile.ts';
import { outcomes, readAfterCrash } from './store/contract/crashes.ts';
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

/** Starts a browser with the profile, and in it a worker with the lab. */
async function startBrowser(profile: Profile, server: LabServer): Promise<Worker> {
  const context = await profile.start();
  return startLabWorker(await openLab(await context.newPage(), server));
}

for (const write of writeNames) {
  test(`a browser killed in a crash window of ${write} has done it as a whole or not at all`, async ({
    profile,
    server,
  }) => {
    let worker = await startBrowser(profile, server);
    const { before, after } = await outcomes(worker, write);
    for (const stage of writeStages) {
      const window = `${write}:${stage}` as const;
      await worker.evaluate(() => lab.prepare());
      const reached = server.windowReached();
      const performed = worker.evaluate(
        ({ write, window }) => lab.perform(write, { stopAt: window }),
        {
          write,
          window,
        },
      );
      // It never ends by itself: the worker stops at the window, inside its transaction.
      await Promise.race([reached, performed.then(() => expect(window).toBe('reached'))]);
      await profile.kill();
      worker = await startBrowser(profile, server);
      expect(await worker.evaluate(readAfterCrash), `after a kill at ${window}`).toEqual({
        snapshot: stage === 'committed' ? after : before,
        orphans: 0,
      });
    }
  });
}
