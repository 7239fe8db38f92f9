/**
 * Measures the cost of keeping a running guest in storage: its pause for a checkpoint, the bytes
 * that are written for its changes, and its slowdown while checkpoints are taken.
 */
import { readFileSync } from 'node:fs';
import type { Browser } from '@playwright/test';
import { benchArguments } from './lib/arguments.ts';
import { closeOurs, launchBrowser, openOurs, waitForOurPrompt } from './lib/browser.ts';
import type { CheckpointMeasurement } from './lib/our-checkpoint.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median, quantile } from './lib/stats.ts';

const sizes = [128, 512] as const;
const program = (name: string) => [...readFileSync(new URL(`lib/${name}.elf`, import.meta.url))];
const meterProgram = program('meter');
const writerProgram = program('ram-writer');
const shellLoop =
  'while :; do for f in /etc/*; do [ -f $f ] && wc -c <$f; done >/tmp/sizes; done & sleep 1';

// --count: checkpoints of each guest under each load.
const { count, json } = benchArguments(15);
const site = await serveBenchSite();

interface Loads {
  /** A guest that computes and writes very little. */
  idle: CheckpointMeasurement;
  shell: CheckpointMeasurement;
  /** 50 MB/s of RAM writes. */
  busy: CheckpointMeasurement;
}

async function measure(browser: Browser, memoryMiB: number): Promise<Loads> {
  const page = await openOurs(browser, site, { memoryMiB });
  await waitForOurPrompt(page);
  await page.evaluate(([meter, size]) => window.ours.meter.start(meter, size), [
    meterProgram,
    memoryMiB,
  ] as const);
  await page.evaluate(() => window.ours.meter.steady());
  const take = () => page.evaluate((times) => window.ours.measureCheckpoints(times), count);
  const idle = await take();
  await page.evaluate((command) => window.ours.timeCommand(command), shellLoop);
  const shell = await take();
  await page.evaluate(() => window.ours.timeCommand('kill $!; sleep 1'));
  await page.evaluate((writer) => window.ours.startProgram('ram-writer', writer), writerProgram);
  const busy = await take();
  await closeOurs(page);
  return { idle, shell, busy };
}

const browser = await launchBrowser();
printHost('checkpoint', browser.version());
const page = await openOurs(browser, site);
const scan = await page.evaluate(() => window.ours.scanGBps());
await waitForOurPrompt(page);
await closeOurs(page);
console.log(`looking at memory for changes: ${scan.toFixed(1)} GB/s`);
const measured = new Map<number, Loads>();
for (const size of sizes) {
  measured.set(size, await measure(browser, size));
  console.log(`${size} MiB: done`);
}
await browser.close();

const loads = ['idle', 'shell', 'busy'] as const;
const at = (size: number, load: (typeof loads)[number]) => {
  const found = measured.get(size)?.[load];
  if (!found) throw new Error(`${size} MiB was not measured.`);
  return found;
};
const checkpoints = sizes.flatMap((size) => loads.flatMap((load) => at(size, load).checkpoints));
const pauses = (size: number, load: (typeof loads)[number]) =>
  at(size, load).checkpoints.map(({ pauseMs }) => pauseMs);
const slowdown = (load: (typeof loads)[number]) =>
  median(sizes.map((size) => at(size, load).slowdownPercent));
const metrics: Metrics = {
  'bytesPerDirtyByte.p50': median(
    checkpoints
      .filter(({ dirtyBytes }) => dirtyBytes > 0)
      .map(({ writtenBytes, dirtyBytes }) => writtenBytes / dirtyBytes),
  ),
  'pauseMs.p50@128MiB': median(pauses(128, 'busy')),
  'pauseMs.p50@512MiB': median(pauses(512, 'busy')),
  'slowdownPercent.idle': slowdown('idle'),
  'slowdownPercent.busy': slowdown('busy'),
  scanGBps: scan,
};

const MB = (bytes: number) => (bytes / 1e6).toFixed(2);
printTable(
  ['checkpoints', 'pause p50', 'p95', 'max', 'took', 'dirty MB', 'written MB', 'slower %'],
  sizes.flatMap((size) =>
    loads.map((load) => {
      const { checkpoints: taken, slowdownPercent } = at(size, load);
      return [
        `${size} MiB, ${load}`,
        ...[0.5, 0.95, 1].map((share) => ms(quantile(pauses(size, load), share))),
        ms(median(taken.map(({ durationMs }) => durationMs))),
        MB(median(taken.map(({ dirtyBytes }) => dirtyBytes))),
        MB(median(taken.map(({ writtenBytes }) => writtenBytes))),
        slowdownPercent.toFixed(1),
      ];
    }),
  ),
);
await site.close();
writeMetrics('checkpoint', metrics, json);
