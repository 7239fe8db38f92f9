import { expect, test } from 'vitest';
import { isCalibratingTimer } from './calibrating-timer.ts';

/** Channel 2, loaded with `count` at time 1000. */
const pit = (mode: number, count: number) => ({
  counter_mode: [3, 3, mode],
  counter_start_time: [0, 0, 1000],
  counter_start_value: [0, 0, count],
});

test('a guest that counts down channel 2 once measures time until it is done', () => {
  // As SeaBIOS does: 0x800 ticks take 1.7 ms.
  expect(isCalibratingTimer(pit(0, 0x800), 1000)).toBe(true);
  expect(isCalibratingTimer(pit(0, 0x800), 1001.7)).toBe(true);
  expect(isCalibratingTimer(pit(0, 0x800), 1001.8)).toBe(false);
});

test.each([
  ['a speaker that sounds', pit(3, 0x800), 1000],
  ['a countdown that takes longer than any measurement', pit(0, 0xffff + 10_000), 1001],
  ['a channel that was never loaded', pit(0, 0), 1000],
  ['a machine without a PIT', undefined, 1000],
])('%s is no measurement', (_, device, now) => {
  expect(isCalibratingTimer(device, now)).toBe(false);
});
