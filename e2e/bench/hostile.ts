/**
 * Strangers: what files, guests and clients that mean harm may cost. The state server's part is in
 * lib/hostile-server.ts.
 */
import { benchArguments } from './lib/arguments.ts';
import { measureServer } from './lib/hostile-server.ts';
import { printHost, printTable, writeMetrics } from './lib/report.ts';

const { json } = benchArguments(1);
printHost('hostile', 'none');
const metrics = await measureServer();
printTable(
  ['what', 'value'],
  Object.entries(metrics).map(([name, value]) => [name, value.toFixed(1)]),
);
writeMetrics('hostile', metrics, json);
