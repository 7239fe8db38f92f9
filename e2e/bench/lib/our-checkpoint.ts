/** Measures checkpoints of a guest that computes, and its slowdown. */

import type { Machine } from '../../../src/client/types.ts';
import type { CheckpointInfo } from '../../../src/index.ts';
import { wallMs } from './guest-page.ts';
import type { Meter } from './meter.ts';
import { median } from './stats.ts';

/** Length of each phase. The guest runs alone, and with checkpoints, in turn. */
const windowMs = 4000;

export interface CheckpointMeasurement {
  checkpoints: CheckpointInfo[];
  /**
   * Share of work that was not done while the keeper took checkpoints at its own intervals: the
   * median of several windows.
   */
  slowdownPercent: number;
}

const sleep = (forMs: number) => new Promise((done) => setTimeout(done, forMs));

/** Batches of work a millisecond of the wall's time. */
async function speed(meter: Meter): Promise<number> {
  const from = await meter.sample();
  await sleep(windowMs);
  const to = await meter.sample();
  return (to.batches - from.batches) / (to.wallMs - from.wallMs);
}

/** @param count checkpoints, a second apart */
export async function measureCheckpoints(
  machine: Machine,
  meter: Meter,
  count: number,
): Promise<CheckpointMeasurement> {
  await machine.setDurable(false);
  const checkpoints: CheckpointInfo[] = [];
  // The first one writes all of RAM.
  await machine.checkpoint();
  for (let i = 0; i < count; i++) {
    const beganMs = wallMs();
    checkpoints.push(await machine.checkpoint());
    await sleep(Math.max(0, 1000 - (wallMs() - beganMs)));
  }
  // Alternately, because the speed of the engine and the computer drifts: each window is compared
  // with the two around it.
  await speed(meter);
  let before = await speed(meter);
  const slowdowns: number[] = [];
  for (let i = 0; i < Math.ceil(count / 3); i++) {
    await machine.setDurable(true);
    const during = await speed(meter);
    await machine.setDurable(false);
    const after = await speed(meter);
    slowdowns.push(100 * (1 - during / ((before + after) / 2)));
    before = after;
  }
  return { checkpoints, slowdownPercent: median(slowdowns) };
}
