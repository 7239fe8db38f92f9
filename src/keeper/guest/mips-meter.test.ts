import { expect, test } from 'vitest';
import { MipsMeter } from './mips-meter.ts';

test('the rate is right when the 32-bit counter wraps', () => {
  const meter = new MipsMeter();
  meter.restart(0xffff_ff00, 0);
  expect(meter.sample(2_000_000 - 0x100, 1000)).toBeCloseTo(2);
});

test('a signed counter counts the same', () => {
  const meter = new MipsMeter();
  meter.restart(-1_000_000, 0);
  expect(meter.sample(1_000_000, 500)).toBeCloseTo(4);
});

test('no time is no rate', () => {
  const meter = new MipsMeter();
  meter.restart(0, 10);
  expect(meter.sample(5, 10)).toBe(0);
});
