import { expect, test } from 'vitest';
import xxhash from 'xxhash-wasm';
import { loadDigest } from './digest.ts';

test('long input, which is hashed in slices, has the same digest as in one piece', async () => {
  const digest = await loadDigest();
  const { h64Raw } = await xxhash();
  const bytes = Uint8Array.from({ length: 2 * 1024 * 1024 + 5 }, (_, at) => at * 7 + (at >> 8));
  expect(digest(bytes, 9n)).toBe(h64Raw(bytes, 9n));
  expect(digest(bytes.subarray(0, 100))).toBe(h64Raw(bytes.subarray(0, 100)));
});
