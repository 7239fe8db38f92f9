/**
 * Firmware and kernels measure the speed of the time-stamp counter once, by a countdown of the
 * PIT's channel 2. They open its gate, read the counter, and read it again when the countdown ends.
 * If a guest is stopped between the first two steps, the counter hardly moves. SeaBIOS's timeouts
 * of 5 s then expire at once. It reports "could not read the boot disk". So a guest is not
 * interrupted during the measurement.
 */

/** Mode 0: counts down once. */
const oneShot = 0;
const tickMs = 1 / 1193.1816666;
/** Linux takes up to 50 ms; a longer count is no such measurement. */
const longestMs = 60;

/** The fields of v86's PIT that are read. They are absent while a machine is being built. */
export interface Pit {
  counter_mode: ArrayLike<number>;
  counter_start_time: ArrayLike<number>;
  counter_start_value: ArrayLike<number>;
}

/** Returns true while the guest measures its timer. @param now of the clock that the PIT reads */
export function isCalibratingTimer(pit: Pit | undefined, now: number): boolean {
  if (pit?.counter_mode[2] !== oneShot) return false;
  const countMs = (pit.counter_start_value[2] ?? 0) * tickMs;
  const elapsedMs = now - (pit.counter_start_time[2] ?? 0);
  return countMs <= longestMs && elapsedMs < countMs;
}
