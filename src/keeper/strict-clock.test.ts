import { expect, test } from 'vitest';
import { strictClock } from './strict-clock.ts';

test('no two calls return the same time, and time keeps up', () => {
  let last = strictClock();
  let repeated = 0;
  for (let i = 0; i < 100_000; i++) {
    const now = strictClock();
    if (now <= last) repeated++;
    last = now;
  }
  expect(repeated).toBe(0);
  expect(Math.abs(performance.now() - last)).toBeLessThan(50);
});
