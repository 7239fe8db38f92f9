/** Statistics of the meter's log. All times are the guest's. */
import type { MeterSample } from './meter.ts';

type Log = readonly MeterSample[];

/** Returns the longest time between two entries in `from .. to`. */
export function longestGap(log: Log, from: number, to: number) {
  let longest = { startMs: from, endMs: from, gapMs: 0 };
  for (let i = 1; i < log.length; i++) {
    const { guestMs: startMs } = log[i - 1] as MeterSample;
    const { guestMs: endMs } = log[i] as MeterSample;
    if (endMs < from || startMs > to) continue;
    if (endMs - startMs > longest.gapMs) longest = { startMs, endMs, gapMs: endMs - startMs };
  }
  return longest;
}

/** Returns the work done at a moment, interpolated between two entries. */
function batchesAt(log: Log, guestMs: number): number {
  const next = log.findIndex((entry) => entry.guestMs >= guestMs);
  const b = log[next];
  const a = log[next - 1];
  if (!a || !b) throw new Error('The log of the meter does not reach that far.');
  return a.batches + ((b.batches - a.batches) * (guestMs - a.guestMs)) / (b.guestMs - a.guestMs);
}

/** Batches a millisecond. */
export function speedBetween(log: Log, from: number, to: number): number {
  return (batchesAt(log, to) - batchesAt(log, from)) / (to - from);
}

/** Returns the median speed: a moment in which the computer did something else does not count. */
export function usualSpeed(log: Log, from: number, to: number): number {
  const speeds: number[] = [];
  for (let at = from; at + 20 <= to; at += 20) speeds.push(speedBetween(log, at, at + 20));
  speeds.sort((a, b) => a - b);
  return speeds[Math.floor(speeds.length / 2)] ?? Number.NaN;
}
