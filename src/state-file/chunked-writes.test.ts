import { expect, test } from 'vitest';
import { ChunkedWrites } from './chunked-writes.ts';

test('small parts become large chunks, in their order, and a large part is passed on', async () => {
  const written: Uint8Array[] = [];
  const chunks = new ChunkedWrites(async (bytes) => void written.push(bytes));
  const parts = [24, 90_000, 1_000_000, 300_000, 3_000_000, 7].map((length, i) =>
    new Uint8Array(length).fill(i + 1),
  );
  const expected = Buffer.concat(parts);
  for (const part of parts) await chunks.add(part);
  await chunks.flush();
  await chunks.flush();
  expect(written.map(({ length }) => length)).toEqual([90_024, 1_000_000, 300_000, 3_000_000, 7]);
  expect(Buffer.compare(Buffer.concat(written), expected)).toBe(0);
});
