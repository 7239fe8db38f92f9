/**
 * Measures moves of a running guest: to another keeper of the page, and over a relay to another browser
 * profile. It measures how long the guest stands still, and how long all of it takes. For moves within a
 * page it also measures how much slower the guest is meanwhile.
 */
import { readFileSync } from 'node:fs';
import type { Browser } from '@playwright/test';
import { benchArguments } from './lib/arguments.ts';
import { launchBrowser, openOurs, waitForOurPrompt } from './lib/browser.ts';
import type { MoveMeasurement } from './lib/our-migration.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median, quantile } from './lib/stats.ts';
import { measureWanMoves, wan } from './lib/wan-moves.ts';

const program = (name: string) => [...readFileSync(new URL(`lib/${name}.elf`, import.meta.url))];
const meterProgram = program('meter');
const writerProgram = program('ram-writer');

// --count: moves of each guest.
const { count, json } = benchArguments(10);
const site = await serveBenchSite();

/** @param isBusy true for 50 MB/s of writes */
async function measure(
  browser: Browser,
  memoryMiB: number,
  isBusy: boolean,
): Promise<MoveMeasurement[]> {
  const page = await openOurs(browser, site, { memoryMiB });
  await waitForOurPrompt(page);
  await page.evaluate(([meter, size]) => window.ours.meter.start(meter, size), [
    meterProgram,
    memoryMiB,
  ] as const);
  await page.evaluate(() => window.ours.meter.steady());
  if (isBusy)
    await page.evaluate((writer) => window.ours.startProgram('ram-writer', writer), writerProgram);
  const moves = await page.evaluate(
    ([runtimes, times]) => window.ours.measureMoves(runtimes, times),
    [site.runtimes, count] as const,
  );
  // The guest has left the page's keeper.
  await page.context().close();
  return moves;
}

const browser = await launchBrowser();
printHost('migrate', browser.version());
const loads = [
  { name: '128 MiB', memoryMiB: 128, isBusy: false },
  { name: '512 MiB', memoryMiB: 512, isBusy: false },
  { name: '128 MiB, 50 MB/s of writes', memoryMiB: 128, isBusy: true },
];
const measured = new Map<string, MoveMeasurement[]>();
for (const { name, memoryMiB, isBusy } of loads) {
  measured.set(name, await measure(browser, memoryMiB, isBusy));
  console.log(`${name}: done`);
}
const wanMoves = await measureWanMoves(browser, site, Math.ceil(count / 2));
console.log('relay: done');
await browser.close();
await site.close();

const at = (name: string) => measured.get(name) ?? [];
const reports = (name: string) => at(name).map(({ report }) => report);
const pauses = (name: string) => reports(name).map(({ downtimeMs }) => downtimeMs);
const wanPauses = wanMoves.map(({ downtimeMs = 0 }) => downtimeMs);
const [small, large, busy] = loads.map(({ name }) => name) as [string, string, string];
const ramBytes = (memoryMiB: number) => memoryMiB * 2 ** 20;
const metrics: Metrics = {
  'pauseMs.p50@128MiB': median(pauses(small)),
  'pauseMs.p95@128MiB': quantile(pauses(small), 0.95),
  'pauseMs.p50@512MiB': median(pauses(large)),
  'pauseMs.p50@busy': median(pauses(busy)),
  'totalMs.p50@512MiB': median(reports(large).map(({ totalMs }) => totalMs)),
  'bytesPerRamByte.p50': median(
    reports(large).map(({ transferredBytes }) => transferredBytes / ramBytes(512)),
  ),
  'pauseMs.p50@wan': median(wanPauses),
  'totalMs.p50@wan': median(wanMoves.map(({ totalMs }) => totalMs)),
  'slowdownPercent.during': median(at(large).map(({ slowdownPercent }) => slowdownPercent)),
};

const MB = (bytes: number) => (bytes / 1e6).toFixed(1);
printTable(
  ['moves, ms', 'pause p50', 'p95', 'max', 'took', 'MB sent', 'rounds', 'slower %'],
  loads.map(({ name }) => [
    name,
    ...[0.5, 0.95, 1].map((share) => ms(quantile(pauses(name), share))),
    ms(median(reports(name).map(({ totalMs }) => totalMs))),
    MB(median(reports(name).map(({ transferredBytes }) => transferredBytes))),
    String(median(reports(name).map(({ rounds }) => rounds))),
    median(at(name).map(({ slowdownPercent }) => slowdownPercent)).toFixed(1),
  ]),
);
printTable(
  ['over a relay, ms', 'pause p50', 'p95', 'max', 'took', 'MB sent'],
  [
    [
      `128 MiB, ${wan.bitsPerSecond / 1e6} Mbit/s, ${wan.roundTripMs} ms`,
      ...[0.5, 0.95, 1].map((share) => ms(quantile(wanPauses, share))),
      ms(median(wanMoves.map(({ totalMs }) => totalMs))),
      MB(median(wanMoves.map(({ movedBytes }) => movedBytes))),
    ],
  ],
);
const parts = ['memoryMs', 'saveMs', 'sendMs', 'loadMs', 'runMs'] as const;
printTable(
  ['parts of the pause, ms p50', 'memory', 'save', 'send', 'load', 'run'],
  loads.map(({ name }) => [
    name,
    ...parts.map((part) =>
      ms(median(reports(name).map((report) => report.downtimeParts?.[part] ?? 0))),
    ),
  ]),
);
writeMetrics('migrate', metrics, json);
