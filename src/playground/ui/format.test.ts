import { expect, test } from 'vitest';
import { formatAge, formatBytes, formatPause, formatSpeed } from './format.ts';

test.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [187_000, '3 min 07 s'],
  [3_840_000, '1 h 04 min'],
  [183_600_000, '2 d 3 h'],
])('an age of %d ms reads %s', (ms, text) => expect(formatAge(ms)).toBe(text));

test.each([
  [3.14, '3.1 ms'],
  [9.96, '10 ms'],
  [57.4, '57 ms'],
  [999.6, '1.0 s'],
  [1234, '1.2 s'],
])('a pause of %d ms reads %s', (ms, text) => expect(formatPause(ms)).toBe(text));

test.each([
  [0, '0 MIPS'],
  [0.42, '0.4 MIPS'],
  [87.6, '88 MIPS'],
])('a speed of %d reads %s', (mips, text) => expect(formatSpeed(mips)).toBe(text));

test.each([
  [812, '812 B'],
  [24_576, '24 KiB'],
  [6_396_314, '6.1 MiB'],
  [10_748_782_182, '10.0 GiB'],
])('%d bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
