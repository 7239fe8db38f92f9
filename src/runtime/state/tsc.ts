/**
 * The time-stamp counter, as its lag behind the keeper's clock. In one keeper the lag is the same
 * before and after a hand-over: the guest loses no time.
 */

/** v86's counter counts nanoseconds (TSC_RATE in its cpu.rs). */
const ticksPerMs = 1_000_000;
/** Accepted error of the counter, ms. */
const closeEnoughMs = 0.05;

/** Returns the lag of the guest's counter behind `clock`, ms. */
export function tscLag(cpu: V86Cpu, clock: () => number): number {
  const now = clock();
  cpu.store_current_tsc();
  const [low = 0, high = 0] = cpu.current_tsc;
  return now - (high * 2 ** 32 + low) / ticksPerMs;
}

function setTsc(cpu: V86Cpu, ticks: number): void {
  const value = BigInt.asUintN(64, BigInt(Math.round(ticks)));
  cpu.set_tsc(Number(value & 0xffff_ffffn), Number(value >> 32n));
}

/**
 * Sets the counter so that it is `lagMs` behind `clock`.
 *
 * The `set_tsc` of v86 computes the new offset from a reading that includes the old offset. So its
 * result is wrong by the old offset, which is the lag. The first attempt compensates for that. A
 * v86 without this defect gets the plain value.
 */
export function setTscLag(cpu: V86Cpu, clock: () => number, lagMs: number): void {
  const old = tscLag(cpu, clock);
  setTsc(cpu, (clock() - lagMs - old) * ticksPerMs);
  if (Math.abs(tscLag(cpu, clock) - lagMs) < closeEnoughMs) return;
  setTsc(cpu, (clock() - lagMs) * ticksPerMs);
}
