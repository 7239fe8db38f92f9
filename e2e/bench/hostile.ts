/**
 * Strangers: what files, guests and clients that mean harm may cost. Each part is in a file of its own,
 * lib/hostile-*.ts.
 */
import { benchArguments } from './lib/arguments.ts';
import { measureOpen } from './lib/hostile-open.ts';
import { measureServer } from './lib/hostile-server.ts';
import { printHost, printTable, writeMetrics } from './lib/report.ts';

const { json } = benchArguments(1);
printHost('hostile', 'own');
const metrics = { ...(await measureOpen()), ...(await measureServer()) };
printTable(
  ['what', 'value'],
  Object.entries(metrics).map(([name, value]) => [name, value.toFixed(1)]),
);
writeMetrics('hostile', metrics, json);
