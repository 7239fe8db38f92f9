import { expect, test } from 'vitest';
import type { ImportItem } from '../../protocol/state-transfer.ts';
import { encodeRecord } from '../checkpoint/record.ts';
import { xxh64 } from '../cpr/digest.ts';
import { arrivingItems } from './guest-data.ts';
import type { MigrationLink } from './link.ts';

const { h64Raw: digest } = await xxh64();

/** Returns the item of a record with one page and these repeats of it. */
async function arrived(repeats: { page: number; like: number }[]): Promise<ImportItem | undefined> {
  const pages = [{ page: 3, contents: new Uint8Array(4096).fill(7) }];
  const record = { pages, repeats, uniform: [], blobs: [] };
  const body = encodeRecord(record, digest, (bytes) => new Uint8Array(bytes));
  const link = { receive: async () => ({ kind: 'pages', body }), took: () => {} };
  const items = arrivingItems(link as unknown as MigrationLink, digest, () => {});
  const { value } = await items.next();
  return value;
}

test('[MS9] a page that is repeated often takes no more memory than one', async () => {
  const repeats = [5, 6, 9].map((page) => ({ page, like: 0 }));
  const item = await arrived(repeats);
  if (item?.kind !== 'pages') throw new Error('No pages arrived.');
  expect([...item.numbers]).toEqual([3]);
  expect(item.contents).toHaveLength(4096);
  expect([...item.copies]).toEqual([5, 3, 6, 3, 9, 3]);
});

test('[MS9] a repeat of contents that the record does not have is refused', async () => {
  await expect(arrived([{ page: 5, like: 1 }])).rejects.toMatchObject({ code: 'migration-failed' });
});
