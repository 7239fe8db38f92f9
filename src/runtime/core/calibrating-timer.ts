/**
 * Firmware and kernels find out how fast the time-stamp counter runs by counting down the PIT's
 * channel 2, once: its gate is opened, the counter is read, and read again when the countdown ends.
 * A guest that stands still between the first two of these finds a counter that hardly moves: SeaBIOS
 * then takes 5 s for an instant and gives up on its disks ("could not read the boot disk"). So a
 * guest that is at it is not interrupted.
 */

/** Mode 0: counts down once. */
const oneShot = 0;
const tickMs = 1 / 1193.1816666;
/** Linux takes up to 50 ms; whatever counts for longer is no such measurement. */
const longestMs = 60;

/** What is looked at of v86's PIT; absent members are those of a machine that is being built. */
export interface Pit {
  counter_mode: ArrayLike<number>;
  counter_start_time: ArrayLike<number>;
  counter_start_value: ArrayLike<number>;
}

/** @param now of the clock that the PIT reads */
export function isCalibratingTimer(pit: Pit | undefined, now: number): boolean {
  if (pit?.counter_mode[2] !== oneShot) return false;
  const countMs = (pit.counter_start_value[2] ?? 0) * tickMs;
  const elapsedMs = now - (pit.counter_start_time[2] ?? 0);
  return countMs <= longestMs && elapsedMs < countMs;
}
