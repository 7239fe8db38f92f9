/**
 * Restarts one guest a thousand times, alternating between the runtimes of the build. Checks if any
 * restart fails, and if memory grows.
 */
import { benchArguments } from './lib/arguments.ts';
import { closeOurs, launchBrowser, openOurs, waitForOurPrompt } from './lib/browser.ts';
import { largestRendererKiB } from './lib/processes.ts';
import { printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { quantile } from './lib/stats.ts';
import { collectGarbage } from './lib/worker-session.ts';

const { count, json } = benchArguments(1000);
/** Number of restarts in which memory may grow: caches fill, code is compiled. */
const settledAt = Math.floor(count / 10);
/** Even, so that each reading is taken with the same runtime. */
const interval = Math.max(2, 2 * Math.floor(count / 80));
const site = await serveBenchSite();
const browser = await launchBrowser();
printHost('soak', browser.version());
const page = await openOurs(browser, site);
await waitForOurPrompt(page);
// A count that only a guest which survives can continue, and that shows each lost or doubled step.
// The guest touches all its RAM once, so that RAM it uses later does not count as growth.
await page.evaluate(() =>
  window.ours.timeCommand(
    'sleep 1; dd if=/dev/zero of=/tmp/all bs=64k 2>/dev/null count=1600; rm /tmp/all',
  ),
);
await page.evaluate(() =>
  window.ours.page.type(
    'i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i >>/tmp/count; usleep 10000; done &\n',
  ),
);

/** The lowest of a few readings, because garbage and code that will be freed come and go. */
async function memoryMiB(): Promise<number> {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    await collectGarbage(browser);
    await page.waitForTimeout(700);
    lowest = Math.min(lowest, await largestRendererKiB(browser));
  }
  return lowest / 1024;
}

let failures = 0;
const pauses: number[] = [];
const memory: { restarts: number; mib: number }[] = [];
for (let i = 1; i <= count; i++) {
  const runtime = site.runtimes[i % site.runtimes.length];
  try {
    pauses.push(
      await page.evaluate(async (source) => {
        const machine = await window.ours.connected;
        if (!source) throw new Error('This build ships no runtimes.');
        return (await machine.restart({ runtime: source })).timings.pauseMs;
      }, runtime),
    );
  } catch (error) {
    failures++;
    console.error(`restart ${i}: ${error instanceof Error ? error.message : error}`);
  }
  // The guest's answer is part of the test.
  if (i % interval === 0) {
    await page.evaluate(() => window.ours.timeCommand('true'));
    memory.push({ restarts: i, mib: await memoryMiB() });
    console.log(`${i} restarts: ${memory.at(-1)?.mib.toFixed(1)} MiB`);
  }
}

// The guest counted from 1 on, without a gap: `seq` would have written the same.
await page.evaluate(() => window.ours.timeCommand('touch /tmp/stop; sleep 1'));
const verdict = page.evaluate(() => window.ours.page.console.waitFor('count-is-whole', 30_000));
await page.evaluate(() =>
  window.ours.page.type('seq $(wc -l </tmp/count) | cmp - /tmp/count && echo count-is-"whole"\n'),
);
await verdict.catch((error) => {
  failures++;
  console.error(`The guest lost count: ${error.message}`);
});
await closeOurs(page);
await browser.close();
await site.close();

// Readings jump with memory that is free but not yet released, so that no single one counts. The
// result is the median of the slopes between any two (Theil and Sen's estimator).
const settled = memory.filter(({ restarts }) => restarts >= settledAt);
const slopes = settled.flatMap((from, i) =>
  settled.slice(i + 1).map((to) => (to.mib - from.mib) / (to.restarts - from.restarts)),
);
const mibPerRestart = quantile(slopes, 0.5);
const atSettled = quantile(
  settled.map(({ restarts, mib }) => mib - mibPerRestart * (restarts - settledAt)),
  0.5,
);
const growthMiB = mibPerRestart * (count - settledAt);
const growth = (growthMiB / atSettled) * 100;
printTable(
  ['soak', ''],
  [
    ['restarts', String(count)],
    ['failures', String(failures)],
    [`memory at restart ${settledAt}, MiB`, atSettled.toFixed(1)],
    [`  at restart ${count}`, (atSettled + growthMiB).toFixed(1)],
    [`growth from restart ${settledAt} to ${count}`, `${growth.toFixed(2)} %`],
    [
      'pause p50 / p95 / max, ms',
      [0.5, 0.95, 1].map((share) => quantile(pauses, share).toFixed(1)).join(' / '),
    ],
  ],
);
writeMetrics(
  'soak',
  {
    memoryGrowthPercent: growth,
    failures,
    restarts: count,
    'memoryMiB.last': atSettled + growthMiB,
    'pauseMs.p50': quantile(pauses, 0.5),
    'pauseMs.max': quantile(pauses, 1),
  },
  json,
);
if (failures > 0) process.exitCode = 1;
