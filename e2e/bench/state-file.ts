/**
 * Compares state files with v86's own: their size, the time to write them, and the time to open them.
 *
 * A state is opened from a local server. The time ends when the guest answers. Stock's are the output of
 * `save_state`, through zstd -19.
 *
 * Both open in a page that has run the same Linux up to its prompt. So the runtime is loaded and compiled.
 * This project's page keeps that guest until the other one runs. Stock v86 ends it
 * before the clock starts, like a page without a second emulator.
 */
import type { Page } from '@playwright/test';
import { loadCodec } from '../../src/state-file/format/codec.ts';
import { benchArguments } from './lib/arguments.ts';
import {
  closeOurs,
  closeStock,
  launchBrowser,
  openOurs,
  openStock,
  waitForOurAnswer,
  waitForStockAnswer,
} from './lib/browser.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';

const stockLevel = 19;
const incompressible = 'head -c 20000000 /dev/urandom >/root/r';
// --count: rounds of writing and opening; sizes are of the first.
const { count, json } = benchArguments(5);
const site = await serveBenchSite();
const browser = await launchBrowser();
printHost('state-file', browser.version());
const codec = await loadCodec();
const metrics: Metrics = {};

interface Saved {
  bytes: Buffer;
  tookMs: number;
}

async function saveOurs(page: Page, onBase = false): Promise<Saved> {
  const { base64, tookMs } = await page.evaluate(async (relative) => {
    const machine = await window.ours.connected;
    const began = performance.now();
    const stream = machine.exportState(relative ? { base: 'opened-from' } : {});
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const took = performance.now() - began;
    const texts: string[] = [];
    for (let at = 0; at < bytes.length; at += 0x8000 * 3)
      texts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 0x8000 * 3))));
    return { base64: texts, tookMs: took };
  }, onBase);
  return { bytes: Buffer.concat(base64.map((text) => Buffer.from(text, 'base64'))), tookMs };
}

/** @returns from the call until the guest answered, ms */
async function openOurState(name: string): Promise<number> {
  const page = await openOurs(browser, site);
  await waitForOurAnswer(page);
  const [source] = site.runtimes;
  if (!source) throw new Error('The build ships no runtime.');
  const tookMs = await page.evaluate(
    async ([url, to]) => {
      const machine = await window.ours.connected;
      const began = Date.now();
      await machine.openState(url, { runtime: to, replace: true });
      await window.ours.page.type("echo op''ened\n");
      await window.ours.page.console.waitFor('opened', 120_000);
      return Date.now() - began;
    },
    [`${site.url}bench/${name}`, source] as const,
  );
  await closeOurs(page);
  return tookMs;
}

async function stockState(page: Page): Promise<Saved> {
  const { base64, tookMs } = await page.evaluate(() => window.stock.files.save());
  const state = Buffer.concat(base64.map((text) => Buffer.from(text, 'base64')));
  const began = performance.now();
  const bytes = Buffer.from(codec.compress(state, stockLevel));
  return { bytes, tookMs: tookMs + performance.now() - began };
}

const ours = await openOurs(browser, site);
await waitForOurAnswer(ours);
const saves = [];
for (let i = 0; i < count; i++) saves.push(await saveOurs(ours));
metrics['fileBytes.idle'] = saves[0]?.bytes.length ?? 0;
metrics.saveMs = median(saves.map(({ tookMs }) => tookMs));
site.add('ours.holdfast', 'application/octet-stream', saves[0]?.bytes ?? new Uint8Array());
await ours.evaluate((command) => window.ours.timeCommand(command), incompressible);
metrics['fileBytes.20MB'] = (await saveOurs(ours)).bytes.length;
await closeOurs(ours);

const golden = await openOurs(browser, site, { boot: 'prompt' });
await waitForOurAnswer(golden);
await golden.evaluate(() => window.ours.timeCommand('echo hello >/root/x'));
metrics['deltaBytes.idle'] = (await saveOurs(golden, true)).bytes.length;
await closeOurs(golden);

const opens: number[] = [];
for (let i = 0; i < count; i++) opens.push(await openOurState('ours.holdfast'));
metrics.openMs = median(opens);

const stock = await openStock(browser, site);
await waitForStockAnswer(stock);
const idle = await stockState(stock);
metrics['stockZstBytes.idle'] = idle.bytes.length;
metrics.stockSaveMs = idle.tookMs;
site.add('stock.zst', 'application/octet-stream', idle.bytes);
await stock.evaluate((command) => window.stock.timeCommand(command), incompressible);
metrics['stockZstBytes.20MB'] = (await stockState(stock)).bytes.length;
const stockOpens: number[] = [];
for (let i = 0; i < count; i++)
  stockOpens.push(
    await stock.evaluate((url) => window.stock.files.open(url), `${site.url}bench/stock.zst`),
  );
metrics.stockOpenMs = median(stockOpens);
await closeStock(stock);
await browser.close();
await site.close();

const show = (key: string) => String(metrics[key]);
printTable(
  ['', 'ours', 'stock, zstd -19'],
  [
    ['file at the prompt, bytes', show('fileBytes.idle'), show('stockZstBytes.idle')],
    ['with 20 MB of noise, bytes', show('fileBytes.20MB'), show('stockZstBytes.20MB')],
    ['on the base, after an echo, bytes', show('deltaBytes.idle'), ''],
    ['write, ms', ms(metrics.saveMs), ms(metrics.stockSaveMs)],
    ['open until the guest answers, ms', ms(metrics.openMs), ms(metrics.stockOpenMs)],
  ],
);
writeMetrics('state-file', metrics, json);
