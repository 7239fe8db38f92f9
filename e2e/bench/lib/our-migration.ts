/** Moves of one guest between dedicated workers, each of them a new one. */
import { connect } from '../../../src/client/connect.ts';
import type { Machine } from '../../../src/client/types.ts';
import type { MigrateReport } from '../../../src/protocol/migration.ts';
import type { RuntimeSource } from '../../../src/protocol/runtime-source.ts';
import { wallMs } from './guest-page.ts';
import { Meter } from './meter.ts';

export interface MoveMeasurement {
  report: MigrateReport;
  /** Share of the guest's work that was not done while its memory was sent. */
  slowdownPercent: number;
}

/** Long enough for the guest and the engine to settle after the move before. */
const windowMs = 1500;

const sleep = (forMs: number) => new Promise((done) => setTimeout(done, forMs));

function meterOf(machine: Machine, addresses: number[]): Meter {
  const meter = new Meter({
    console: undefined as never,
    type: async () => {},
    read: (address, length) => machine.readMemory(address, length),
    write: (address, bytes) => machine.writeMemory(address, bytes),
  });
  meter.addresses = addresses;
  return meter;
}

/** @param addresses of the guest's meter */
export async function measureMoves(
  machine: Machine,
  addresses: number[],
  runtimes: readonly RuntimeSource[],
  count: number,
): Promise<MoveMeasurement[]> {
  const moves: MoveMeasurement[] = [];
  let present = machine;
  for (let i = 0; i < count; i++) {
    const target = await connect({ keeperUrl: 'keeper.js', host: 'dedicated', runtimes });
    const meter = meterOf(present, addresses);
    await sleep(windowMs);
    const from = await meter.sample();
    await sleep(windowMs);
    const to = await meter.sample();
    const speed = (to.batches - from.batches) / (to.wallMs - from.wallMs);
    const beganMs = wallMs();
    const report = await present.migrate(target, { downtimeLimitMs: 10_000 });
    const after = await meterOf(target, addresses).sample();
    const workedMs = after.wallMs - beganMs - report.downtimeMs;
    const slowdownPercent = 100 * (1 - (after.batches - to.batches) / workedMs / speed);
    moves.push({ report, slowdownPercent });
    // Ends a dedicated worker. The first machine is the page's own.
    if (present !== machine) present.close();
    present = target;
  }
  await present.destroy();
  present.close();
  return moves;
}
