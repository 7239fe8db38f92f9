import { expect, test } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { xxh64 } from '../cpr/digest.ts';
import { decodeRecord, emptyRecord, encodeRecord } from './record.ts';
import { RecordBuffers } from './record-buffers.ts';

test('memory is used again, for records of its length only', () => {
  const buffers = new RecordBuffers();
  const first = buffers.take(100);
  expect(buffers.take(100)).not.toBe(first);
  buffers.give(first);
  expect(buffers.take(99)).not.toBe(first);
  expect(buffers.take(100)).toBe(first);
  expect(buffers.take(100)).not.toBe(first);
});

test('no more is kept than what is put at once', () => {
  const buffers = new RecordBuffers();
  const many = Array.from({ length: 100 }, () => buffers.take(100));
  for (const bytes of many) buffers.give(bytes);
  const again = many.map(() => buffers.take(100));
  expect(again.filter((bytes) => many.includes(bytes)).length).toBeLessThanOrEqual(20);
});

test('no more than 12 MiB of large buffers are kept', () => {
  const buffers = new RecordBuffers();
  const many = Array.from({ length: 6 }, () => buffers.take(3 * 1024 * 1024));
  for (const bytes of many) buffers.give(bytes);
  const again = many.map(() => buffers.take(3 * 1024 * 1024));
  expect(again.filter((bytes) => many.includes(bytes))).toHaveLength(4);
});

test('nothing of the record before is left in one', async () => {
  const { h64Raw } = await xxh64();
  const record = {
    ...emptyRecord(),
    pages: [{ page: 7, contents: new Uint8Array(pageBytes).fill(3) }],
    repeats: [{ page: 8, like: 0 }],
    uniform: [{ page: 9, word: 5 }],
    blobs: [{ stream: 'a', index: 1, bytes: Uint8Array.of(1, 2, 3) }],
  };
  const fresh = encodeRecord(record, h64Raw);
  const used = encodeRecord(record, h64Raw, (length) => new Uint8Array(length).fill(0xff));
  expect(Buffer.compare(used, fresh)).toBe(0);
  expect(decodeRecord(used, h64Raw).pages[0]?.contents[0]).toBe(3);
});
