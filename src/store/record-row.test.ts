import { afterEach, expect, test, vi } from 'vitest';
import { readMs } from './answers.ts';
import { loadedRow, rowOf, sizeOfRow } from './record-row.ts';

const digest = (bytes: Uint8Array) => BigInt(bytes.length);

afterEach(() => {
  vi.useRealTimers();
});

test('[F10] a large record is a Blob of its bytes as they were, and a small one an array', async () => {
  const bytes = new Uint8Array(600 * 1024).fill(7);
  const row = rowOf(1, bytes, digest);
  bytes.fill(8);
  expect(row.bytes).toBeInstanceOf(Blob);
  expect(sizeOfRow(row)).toBe(600 * 1024);
  expect((await loadedRow(row))?.bytes).toEqual(new Uint8Array(600 * 1024).fill(7));
  expect(rowOf(2, new Uint8Array(1000), digest).bytes).toBeInstanceOf(Uint8Array);
});

test('a Blob whose file is gone is lost', async () => {
  const blob = new Blob([]);
  blob.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
  expect(await loadedRow({ bytes: blob, digest: 0n })).toBeUndefined();
});

test('[F9] a Blob that is not answered for is not lost, and not waited for without end', async () => {
  vi.useFakeTimers();
  const blob = new Blob([]);
  blob.arrayBuffer = () => new Promise(() => {});
  const reading = loadedRow({ bytes: blob, digest: 0n });
  const refused = expect(reading).rejects.toMatchObject({ code: 'storage-blocked' });
  await vi.advanceTimersByTimeAsync(2 * readMs);
  await refused;
});
