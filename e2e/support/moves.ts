/** Moves of the page's guest between keepers, for code that runs in the page. */
import type { ConnectOptions, Machine } from '../../src/client/types.ts';
import {
  connect,
  type MigrateOptions,
  type MigrateReport,
  type RuntimeSource,
} from '../../src/index.ts';
import { inspectPattern } from './in-page.ts';

export { inspectPattern };

/** The machine with the guest, after the first move. */
let arrived: Machine | undefined;

export const present = (machine: Machine): Machine => arrived ?? machine;

/** A keeper without a guest. */
export const openTarget = (
  runtimes: readonly RuntimeSource[],
  options: Partial<ConnectOptions> = {},
): Promise<Machine> => connect({ keeperUrl: 'keeper.js', runtimes, ...options });

export async function moveTo(
  machine: Machine,
  runtimes: readonly RuntimeSource[],
  connecting: Partial<ConnectOptions>,
  options: MigrateOptions = {},
): Promise<MigrateReport> {
  const from = present(machine);
  const target = await openTarget(runtimes, connecting);
  const report = await from.migrate(target, options);
  // The page's own connection stays, for the test.
  if (from !== machine) from.close();
  arrived = target;
  return report;
}

/** Resolves when the guest has finished this many passes more. */
export async function passes(machine: Machine, count: number): Promise<void> {
  const console = present(machine).console('serial0');
  const pass = new RegExp(`(?:pass \\d+\\r\\n[\\s\\S]*?){${count}}`);
  await console.waitFor(pass, { from: console.end, timeoutMs: 60_000 });
}
