/**
 * Measures how soon a visitor's first prompt answers. The playground opens the demo guest at its prompt,
 * or boots it. Stock v86 boots it. Each runs in a profile that has never opened the site.
 */
import { readFileSync } from 'node:fs';
import { promptText } from '../support/linux-guest.ts';
import { benchArguments } from './lib/arguments.ts';
import { type Metrics, ms, printHost, printTable, writeMetrics } from './lib/report.ts';
import { serveBenchSite } from './lib/site.ts';
import { median } from './lib/stats.ts';
import type { Visitor } from './lib/visitor.ts';
import { Visits } from './lib/visits.ts';

// --count: profiles for each of the three.
const { count, json } = benchArguments(7);
const site = await serveBenchSite();
const visits = await Visits.open();
printHost('start', visits.version);

/** Runs in the page: reports the time of the shell's first answer, ms since the navigation began. */
async function reportAnswer(visitor: Visitor, prompt: string, url: string) {
  const { console: output } = visitor;
  await output.waitFor(prompt, 120_000);
  await visitor.type("echo us''able\n");
  const atMs = (await output.waitFor('usable', 120_000)) - performance.timeOrigin;
  // Our guest would outlive its page and use processor time.
  await visitor.end?.();
  await fetch(url, { method: 'POST', mode: 'no-cors', body: String(atMs) });
}

const call = (visitor: string) =>
  `(${reportAnswer})(${visitor}, ${JSON.stringify(promptText)}, ${JSON.stringify(visits.reportUrl)});`;
const inline = (script: string) =>
  `<script>${script.replaceAll('</script', '<\\/script')}</script>`;
// At the top: the machine's first output is not missed.
site.add(
  '/visited.html',
  'text/html',
  site.ourHtml.replace(
    '<head>',
    () => `<head>${inline(site.visitorScript + call('window.visitor'))}`,
  ),
);
const stockHtml = readFileSync(new URL('lib/stock.html', import.meta.url), 'utf8');
site.add('visited-stock.html', 'text/html', stockHtml + inline(call('window.stock.page')));

const ourStartMs = async (boot: 'cold' | 'prompt') =>
  Number(await visits.visit(`${site.url}visited.html?guest=linux&m=128&boot=${boot}`));
const stockStartMs = async () =>
  Number(await visits.visit(`${site.url}bench/visited-stock.html?guest=linux&m=128`));

const golden: number[] = [];
const cold: number[] = [];
const stock: number[] = [];
for (let i = 0; i < count; i++) {
  golden.push(await ourStartMs('prompt'));
  cold.push(await ourStartMs('cold'));
  stock.push(await stockStartMs());
}
await visits.close();
await site.close();

const metrics: Metrics = {
  'goldenStartMs.p50': median(golden),
  'coldBootMs.p50': median(cold),
  'stockColdBootMs.p50': median(stock),
};
printTable(
  ['navigation to a prompt that answers, medians', 'ms'],
  [
    ['opened at its prompt', ms(median(golden))],
    ['booted', ms(median(cold))],
    ['stock v86, booted', ms(median(stock))],
  ],
);
writeMetrics('start', metrics, json);
