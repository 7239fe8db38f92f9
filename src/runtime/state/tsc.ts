/**
 * The time-stamp counter, seen as how far it is behind the keeper's clock. In one keeper that
 * is the same before and after a hand-over: to the guest no time was lost.
 */

/** v86's counter counts nanoseconds (TSC_RATE in its cpu.rs). */
const ticksPerMs = 1_000_000;
/** Within this, ms, the counter is where it should be. */
const closeEnoughMs = 0.05;

/** How far the guest's counter is behind `clock`, ms. */
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
 * v86's `set_tsc` computes the new offset from a reading that the old offset is part of, so what
 * it is given comes out wrong by the old offset, which is the lag. That is allowed for first; a v86
 * in which it is mended gets the plain value.
 */
export function setTscLag(cpu: V86Cpu, clock: () => number, lagMs: number): void {
  const old = tscLag(cpu, clock);
  setTsc(cpu, (clock() - lagMs - old) * ticksPerMs);
  if (Math.abs(tscLag(cpu, clock) - lagMs) < closeEnoughMs) return;
  setTsc(cpu, (clock() - lagMs) * ticksPerMs);
}
