import { expect, test } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { PagePacker } from './pack-records.ts';
import { PageBatch } from './page-batch.ts';
import { encodeRecord } from './record.ts';

const mib = 1024 * 1024;

/** Returns the sizes of the records for this many different pages. */
function sizesOf(pages: number): number[] {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  const batch = new PageBatch(memory, pages);
  for (let page = 0; page < pages; page++) {
    words[0] = page + 1;
    batch.put(page, 0);
  }
  const packer = new PagePacker(batch, (page) => page);
  for (const page of batch.pages()) packer.add(page);
  return packer.records.map((record) => encodeRecord(record, () => 0n).length);
}

test('little makes records of 256 KiB, of which those with old pages soon go', () => {
  const sizes = sizesOf(mib / pageBytes);
  expect(sizes).toHaveLength(5);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(mib / 4);
});

test('much makes a few large records, which are cheap to write', () => {
  const sizes = sizesOf((25 * mib) / pageBytes);
  expect(sizes).toHaveLength(4);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(8 * mib);
});

test('a little more or less makes records of the same size, whose memory is used again', () => {
  const [some] = sizesOf((10 * mib) / pageBytes);
  const [more] = sizesOf((11 * mib) / pageBytes);
  expect(more).toBe(some);
});
