/** One restart, measured from three sides: the keeper, this page, and the guest. */
import type { Machine } from '../../../src/client/types.ts';
import type { RestartTimings } from '../../../src/protocol/events.ts';
import type { RuntimeSource } from '../../../src/protocol/runtime-source.ts';
import { wallMs } from './guest-page.ts';
import type { Meter, SeenSample } from './meter.ts';
import { longestGap, speedBetween, usualSpeed } from './meter-log.ts';

export interface RestartMeasurement {
  /** As the keeper reports them. */
  timings: RestartTimings;
  /** Time from the call to its reply, as this page saw it. */
  callMs: number;
  /** Delay of the guest's clock behind the wall clock. */
  clockStoodMs: number;
  /** Longest time around the hand-over in which the guest did no work, by the wall clock. */
  guestGapMs: number;
  /** The same in the second before the restart. */
  baselineGapMs: number;
  /** The same while the runtime was being prepared, which should hardly affect the guest. */
  prepareGapMs: number;
  /** Time from the run until the guest is permanently back at 90 % of its speed before the call. */
  recoverMs: number;
  /** Work missing in the 3 s from the hand-over on, in ms of work at the speed before. */
  lostWorkMs: number;
}

const sleep = (forMs: number) => new Promise((done) => setTimeout(done, forMs));

export async function measureRestart(
  machine: Machine,
  meter: Meter,
  runtime: RuntimeSource,
): Promise<RestartMeasurement> {
  const before = await samples(meter);
  await sleep(1000);
  const calledMs = wallMs();
  const { timings } = await machine.restart({ runtime });
  const callMs = wallMs() - calledMs;
  const after = await samples(meter);
  // The log is read once everything is over, so that reading it disturbs nothing.
  await sleep(Math.max(0, 3300 - (wallMs() - calledMs - callMs)));
  const log = await meter.log();

  const offset = clockOffset(before);
  const clockStoodMs = clockOffset(after) - offset;
  const called = calledMs - offset;
  const speed = usualSpeed(log, called - 1000, called);
  // The keeper reports how long it prepared. The call took some time before that, and its reply
  // after.
  const stopped = called + timings.prepareMs;
  const onTheWayMs = Math.max(5, callMs - timings.prepareMs - timings.pauseMs);
  const handOver = longestGap(log, stopped - 2, stopped + onTheWayMs);
  return {
    timings,
    callMs,
    clockStoodMs,
    guestGapMs: handOver.gapMs + clockStoodMs,
    baselineGapMs: longestGap(log, called - 1000, called).gapMs,
    prepareGapMs: longestGap(log, called, stopped - 2).gapMs,
    recoverMs: recoverMs(handOver.endMs),
    lostWorkMs:
      3000 - (3000 * speedBetween(log, handOver.startMs, handOver.startMs + 3000)) / speed,
  };

  function recoverMs(run: number): number {
    for (let at = run; at < run + 2900; at++) {
      // The second condition excludes a moment before the real hand-over.
      const isBack = speedBetween(log, at, at + 20) >= 0.9 * speed;
      if (isBack && speedBetween(log, at, at + 100) >= 0.8 * speed) return at - run;
    }
    // A number, because the benchmark must report this case, too.
    return 3000;
  }
}

async function samples(meter: Meter): Promise<SeenSample[]> {
  const seen: SeenSample[] = [];
  for (let i = 0; i < 60; i++) {
    seen.push(await meter.sample());
    await sleep(4);
  }
  return seen;
}

/** Wall clock minus guest clock: the fastest samples are right. */
function clockOffset(seen: readonly SeenSample[]): number {
  return Math.min(...seen.map(({ wallMs, guestMs }) => wallMs - guestMs));
}
