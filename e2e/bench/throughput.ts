/**
 * Compares the speed of the guest with v86 as npm ships it in a separate page: the same kernel, the
 * same memory, in turns.
 */
import type { Page } from '@playwright/test';
import { benchArguments } from './lib/arguments.ts';
import {
  closeOurs,
  closeStock,
  launchBrowser,
  openOurs,
  openStock,
  waitForOurPrompt,
  waitForStockPrompt,
} from './lib/browser.ts';
import { withThreadTime } from './lib/processes.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';

const memoryMiB = 128;
/** Passes of the pattern guest that are timed. */
const passes = 250;

/**
 * Commands for the shell. Each takes a second or more: long enough for the JIT, and for a clock.
 */
const commands = {
  shell: 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done',
  sha256: 'dd if=/dev/zero bs=64k count=400 2>/dev/null | sha256sum',
  // Busybox's awk has floating-point numbers only: x87 instructions.
  fp: "awk 'BEGIN { x = 0.5; for (i = 0; i < 40000; i++) x = x * 1.0000001 + 0.1; print x }'",
  memcpy: 'for i in $(seq 30); do dd if=/tmp/from of=/tmp/to bs=64k conv=notrunc 2>/dev/null; done',
} as const;
const setUp = 'dd if=/dev/urandom of=/tmp/from bs=64k count=256 2>/dev/null; cp /tmp/from /tmp/to';

const kinds = ['boot', 'shell', 'sha256', 'memcpy', 'fp', 'graphics'] as const;
type Kind = (typeof kinds)[number];
/** Milliseconds on the clock, and of the thread that emulates. */
type Times = Record<Kind, { wall: number; thread: number }>;

const sides = {
  ours: {
    open: (options: { guest: 'linux' | 'pattern-graphics'; memoryMiB: number }) =>
      openOurs(browser, site, options),
    prompt: waitForOurPrompt,
    time: (page: Page, command: string) =>
      page.evaluate((text) => window.ours.timeCommand(text), command),
    /** Waits for the lines of the pattern guest and returns the time between them. */
    between: (page: Page, lines: readonly [string, string]) =>
      page.evaluate(async ([first, second]) => {
        const { console } = window.ours.page;
        const began = await console.waitFor(first, 120_000);
        return (await console.waitFor(second, 120_000)) - began;
      }, lines),
    close: closeOurs,
  },
  stock: {
    open: (options: { guest: 'linux' | 'pattern-graphics'; memoryMiB: number }) =>
      openStock(browser, site, options),
    prompt: waitForStockPrompt,
    time: (page: Page, command: string) =>
      page.evaluate((text) => window.stock.timeCommand(text), command),
    between: (page: Page, lines: readonly [string, string]) =>
      page.evaluate(async ([first, second]) => {
        const { console } = window.stock.page;
        const began = await console.waitFor(first, 120_000);
        return (await console.waitFor(second, 120_000)) - began;
      }, lines),
    close: closeStock,
  },
} as const;

async function measure(name: keyof typeof sides): Promise<Times> {
  const side = sides[name];
  const times = {} as Times;
  const timed = async (kind: Kind, work: () => Promise<number>) => {
    const { result, threadMs } = await withThreadTime(browser, work);
    times[kind] = { wall: result, thread: threadMs };
  };

  let page: Page | undefined;
  await timed('boot', async () => {
    page = await side.open({ guest: 'linux', memoryMiB });
    return side.prompt(page);
  });
  const linux = page as unknown as Page;
  // The guest does things in the background in its first second.
  await side.time(linux, 'sleep 1');
  await side.time(linux, setUp);
  for (const kind of Object.keys(commands) as (keyof typeof commands)[])
    await timed(kind, () => side.time(linux, commands[kind]));
  await side.close(linux);

  const pattern = await side.open({ guest: 'pattern-graphics', memoryMiB: 16 });
  await side.between(pattern, ['pattern guest', 'pass 3\r']);
  await timed('graphics', () => side.between(pattern, ['pass 3\r', `pass ${3 + passes}\r`]));
  await side.close(pattern);
  return times;
}

const { count, json } = benchArguments(5);
const site = await serveBenchSite();
const browser = await launchBrowser();
printHost('throughput', browser.version());

const times = { ours: [] as Times[], stock: [] as Times[] };
for (let i = 0; i < count; i++) {
  // Each is first in every second round.
  for (const name of i % 2 === 0 ? (['stock', 'ours'] as const) : (['ours', 'stock'] as const)) {
    const run = await measure(name);
    times[name].push(run);
    const text = kinds.map((kind) => `${kind} ${ms(run[kind].wall)}`).join(', ');
    console.log(`run ${i + 1} of ${count}, ${name.padEnd(5)}: ${text}`);
  }
}

const metrics: Metrics = {};
const rows = kinds.map((kind) => {
  const of = (name: keyof typeof times, clock: 'wall' | 'thread') =>
    median(times[name].map((run) => run[kind][clock]));
  const [oursMs, stockMs] = [of('ours', 'wall'), of('stock', 'wall')];
  const [ourThread, stockThread] = [of('ours', 'thread'), of('stock', 'thread')];
  metrics[`${kind}.oursMs`] = oursMs;
  metrics[`${kind}.stockMs`] = stockMs;
  metrics[`${kind}.ratio`] = stockMs / oursMs;
  return [
    kind,
    ms(oursMs),
    ms(stockMs),
    (stockMs / oursMs).toFixed(2),
    ms(ourThread),
    ms(stockThread),
    (stockThread / ourThread).toFixed(2),
  ];
});
printTable(
  ['medians, ms', 'us', 'stock', 'stock/us', 'us, thread', 'stock, thread', 'stock/us, thread'],
  rows,
);
await browser.close();
await site.close();
writeMetrics('throughput', metrics, json);
