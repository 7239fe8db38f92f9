let last = 0;

/**
 * `performance.now()`, but no two calls return the same value: v86 takes the first difference it
 * sees for the clock's resolution. One clock for all runtimes, so that a hand-over never goes back.
 */
export function strictClock(): number {
  const now = performance.now();
  // 1e-6 is above the rounding of a double for the first hundred days.
  last = now > last ? now : last + 1e-6;
  return last;
}
