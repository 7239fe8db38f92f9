/**
 * Kills whole browsers at random moments, in a few of the rounds that `npm run test:crash` runs at
 * length. Also tests guests whose page or browser was closed for a while.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrowserContext } from '@playwright/test';
import { randomSource } from '../../src/vmstate/testing/mutate.ts';
import { DiskFullRounds, describeDiskFull, smallDiskMiB } from '../crash/disk-full.ts';
import { describePowerLoss, type PowerLossRound, PowerLossRounds } from '../crash/power-loss.ts';
import { CrashRounds } from '../crash/rounds.ts';
import { SmallDisk } from '../crash/small-disk.ts';
import { describeRound } from '../crash/summary.ts';
import { workloadNames } from '../crash/workloads.ts';
import { prompt } from '../support/linux-guest.ts';
import { playground } from '../support/playground-page.ts';
import { Profile } from '../support/profile.ts';
import { expect, type Guest, openGuest, test } from '../support/test.ts';

const rounds = 2;

for (const name of workloadNames) {
  test(`a browser killed at random moments, ${name}: its guest resumes`, async ({
    site,
    inPage,
    runtimes,
  }, testInfo) => {
    const seed = (Date.now() % 0x7fff_ffff) + 1;
    testInfo.annotations.push({ type: 'seed', description: String(seed) });
    const below = randomSource(seed);
    const crash = new CrashRounds(name, site.url, { inPage, runtimes });
    try {
      for (let round = 0; round < rounds; round++) {
        const description = describeRound(await crash.round(below));
        testInfo.annotations.push({ type: 'round', description });
      }
    } finally {
      await crash.close();
    }
  });
}

test(
  '[S1] [S2] [S3] a disk that is filled, and a kill: never older than what was said to be saved',
  { tag: '@slow' },
  async ({ site }, testInfo) => {
    test.setTimeout(300_000);
    const disk = SmallDisk.mount(smallDiskMiB);
    if ('refused' in disk) {
      test.skip(true, disk.refused);
      return;
    }
    const seed = (Date.now() % 0x7fff_ffff) + 1;
    testInfo.annotations.push({ type: 'seed', description: String(seed) });
    const below = randomSource(seed);
    const crash = new DiskFullRounds(site.url, disk);
    try {
      for (let round = 0; round < rounds; round++) {
        const description = describeDiskFull(await crash.round(below));
        testInfo.annotations.push({ type: 'round', description });
      }
    } finally {
      await crash.close();
      disk.unmount();
    }
  },
);

test(
  '[S1] [S2] a profile that lost power: the guest resumes, or the page says what is lost',
  { tag: '@slow' },
  async ({ site }, testInfo) => {
    test.setTimeout(300_000);
    const seed = (Date.now() % 0x7fff_ffff) + 1;
    testInfo.annotations.push({ type: 'seed', description: String(seed) });
    const below = randomSource(seed);
    const crash = new PowerLossRounds(site.url);
    try {
      for (let round = 0; round < rounds; round++) {
        const description = describePowerLoss(await crash.round(below));
        testInfo.annotations.push({ type: 'round', description });
      }
    } finally {
      await crash.close();
    }
  },
);

for (const whole of ['first', 'copy'] as const) {
  test(`[F5] with the ${whole} place gone and the end of the other, the page says what is lost`, {
    tag: '@slow',
  }, async ({ site }) => {
    test.setTimeout(180_000);
    const crash = new PowerLossRounds(site.url);
    try {
      // The bytes that were cut off may belong to an incomplete checkpoint. Then nothing is lost.
      const isNothingLost = ({ olderByMs }: PowerLossRound) => (olderByMs ?? 1) <= 0;
      let round = await crash.roundWithoutEnds(whole);
      while (isNothingLost(round)) round = await crash.roundWithoutEnds(whole);
      expect(round.outcome).toMatch(/told/);
    } finally {
      await crash.close();
    }
  });
}

/** The counter on the guest's console, which shows a moment of its life. */
const counter = (guest: Guest) => guest.execute('cat /tmp/n').then(({ stdout }) => Number(stdout));
const startCounting = (guest: Guest) =>
  guest.execute(
    '(n=0; while :; do n=$((n+1)); echo $n >/tmp/n; usleep 20000; done) >/dev/null 2>&1 &',
  );

async function expectAttachedAgain(
  { guest, context, url }: { guest: Guest; context: BrowserContext; url: string },
  closedMs: number,
): Promise<void> {
  await startCounting(guest);
  await expect.poll(() => counter(guest)).toBeGreaterThan(0);
  const { bootedAtMs } = await guest.status();
  const before = await counter(guest);
  await guest.page.close();
  // The time is what is tested.
  await wait(closedMs);

  const again = await openGuest(context, url);
  await expect(playground(again.page).state('found')).toHaveText('attached to a running guest');
  expect((await again.status()).bootedAtMs).toBe(bootedAtMs);
  expect(await counter(again)).toBeGreaterThan(before);
}

async function expectResumed(url: string, closedMs: number): Promise<void> {
  const profile = await Profile.make();
  try {
    const before = await openGuest(await profile.start(), url);
    await before.waitForSerial(prompt);
    await before.run('kept=here');
    await before.machine((machine) => machine.checkpoint());
    await profile.stop();
    // The duration is part of the test.
    await wait(closedMs);

    const after = await openGuest(await profile.start(), url);
    expect((await after.run('echo $kept')).output).toBe('here\n');
    const { startSource } = await after.status();
    if (startSource?.kind !== 'resumed') throw new Error('The guest was not resumed.');
    expect(startSource.resumedAtMs - startSource.takenAtMs).toBeGreaterThanOrEqual(closedMs);
    await expect(playground(after.page).state('found')).toHaveText(
      /^resumed from a checkpoint of 1 min \d+ s before$/,
    );
  } finally {
    await profile.delete();
  }
}

test('a page closed for a second is attached to its guest again', async ({
  guest,
  context,
  site,
}) => {
  await expectAttachedAgain({ guest, context, url: site.url }, 1000);
});

test('a page closed for 40 s attaches to its guest, and a browser closed for a minute resumes it', {
  tag: '@slow',
}, async ({ guest, context, site }) => {
  test.setTimeout(180_000);
  // Two browsers, which wait at the same time.
  await Promise.all([
    test.step('the page', () => expectAttachedAgain({ guest, context, url: site.url }, 40_000)),
    test.step('the browser', () => expectResumed(site.url, 60_000)),
  ]);
});
