import { expect, test } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { sentWithCallBytes } from '../../store/transferred.ts';
import { PagePacker, packBlobs } from './pack-records.ts';
import { PageBatch } from './page-batch.ts';
import { encodeRecord, pagesOf } from './record.ts';

const mib = 1024 * 1024;

/** Returns the sizes of the records for this many different pages. */
function sizesOf(pages: number, mustArriveSoon = false): number[] {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  const batch = new PageBatch(memory, pages);
  for (let page = 0; page < pages; page++) {
    words[0] = page + 1;
    batch.put(page, 0);
  }
  const packer = new PagePacker(batch, (page) => page, mustArriveSoon);
  for (const page of batch.pages()) packer.add(page);
  return packer.records.map((record) => encodeRecord(record, () => 0n).length);
}

test('little makes small records, which Chromium sends with the call', () => {
  const sizes = sizesOf((4 * mib) / pageBytes);
  expect(sizes).toHaveLength(18);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(sentWithCallBytes);
});

test('much makes small records too, if they must arrive soon', () => {
  const sizes = sizesOf((25 * mib) / pageBytes, true);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(sentWithCallBytes);
});

test('lists of uniform and of equal pages count, too', () => {
  const pages = 60_000;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  const batch = new PageBatch(memory, pages);
  for (let page = 0; page < pages; page++) {
    // Some pages of contents, and many that are equal to the first or uniform.
    words[0] = page < 60 ? page + 1 : 1;
    if (page % 2) batch.putUniform(page, 7);
    else batch.put(page, 0);
  }
  const packer = new PagePacker(batch, (page) => (page < 60 ? page : 0), true);
  for (const page of batch.pages()) packer.add(page);
  const sizes = packer.records.map((record) => encodeRecord(record, () => 0n).length);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(sentWithCallBytes);
  const found = packer.records.flatMap((record) => [...pagesOf(record)]);
  expect(new Set(found).size).toBe(pages);
  expect(found).toHaveLength(pages);
});

test('pieces are packed into small records', () => {
  const pieces = Array.from({ length: 40 }, (_, index) => ({
    stream: 'pieces.disk',
    index,
    bytes: new Uint8Array(16_384),
  }));
  const sizes = packBlobs(pieces).map((record) => encodeRecord(record, () => 0n).length);
  expect(sizes).toHaveLength(3);
  for (const size of sizes) expect(size).toBeLessThanOrEqual(sentWithCallBytes);
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
