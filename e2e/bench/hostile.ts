/**
 * Measures the cost of malicious files, guests and clients. Each part is in a separate file,
 * lib/hostile-*.ts.
 */
import { benchArguments } from './lib/arguments.ts';
import { measureGuest } from './lib/hostile-guest.ts';
import { measureOpen } from './lib/hostile-open.ts';
import { measureServer } from './lib/hostile-server.ts';
import { type Metrics, printHost, printTable, writeMetrics } from './lib/report.ts';

const { json } = benchArguments(1);
printHost('hostile', 'own');
const metrics: Metrics = {};
// A part that fails does not affect the results of the others.
for (const [part, measure] of Object.entries({ measureOpen, measureGuest, measureServer })) {
  try {
    Object.assign(metrics, await measure());
  } catch (thrown) {
    console.error(`${part} has no value:`, thrown);
    process.exitCode = 1;
  }
}
printTable(
  ['what', 'value'],
  Object.entries(metrics).map(([name, value]) => [name, value.toFixed(1)]),
);
writeMetrics('hostile', metrics, json);
