import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addBlockingRequest, RangeServer } from '../../../tools/range-server.ts';
import type { PageSupply, SupplyReference } from '../../protocol/page-supply.ts';
import { type Codec, loadCodec } from '../format/codec.ts';
import { HttpRanges } from '../sources/http-ranges.ts';
import { StateFileReader } from '../state-file-reader.ts';
import { items, page, write } from '../testing/guest.ts';
import { open as openSupply } from './state-file-supply.ts';
import { referenceTo } from './supply-reference.ts';

let codec: Codec;
let file: Uint8Array<ArrayBuffer>;
const pages = new Map<number, Uint8Array<ArrayBuffer>>();
const removeRequest = addBlockingRequest();
beforeAll(async () => {
  codec = await loadCodec();
  for (let i = 0; i < 400; i++) pages.set(i, crypto.getRandomValues(page(i)));
  file = (await write([items(pages, [[1000, 7]])], codec, { hot: [1, 2, 3] })).bytes;
});
afterAll(removeRequest);

let server: RangeServer;
afterEach(() => server.stop());

async function opened(): Promise<{ supply: PageSupply; reference: SupplyReference }> {
  server = await RangeServer.start({ bytes: file, etag: '"1"' });
  const ranges = await HttpRanges.open(server.url, { stallMs: 5_000 });
  if (!(ranges instanceof HttpRanges)) throw new Error('The server sends no ranges.');
  const reader = await StateFileReader.open(ranges, codec);
  if (!reader) throw new Error('The file has no index.');
  const reference = await referenceTo(server.url, ranges, reader);
  await server.requests();
  return { reference, supply: await openSupply(structuredClone(reference)) };
}

/** The file with another bit in each pack. */
function spoilt(): Uint8Array<ArrayBuffer> {
  const bytes = file.slice();
  for (let at = 100_000; at < bytes.length; at += 50_000) bytes[at]! ^= 1;
  return bytes;
}

const read = {
  asynchronously: (supply: PageSupply, pack: number) => supply.read(pack),
  synchronously: async (supply: PageSupply, pack: number) => supply.readNow(pack),
};

describe.each(Object.entries(read))('[LZ1] a supply reads %s', (_, readPack) => {
  test('each page of the file by one request for its pack, and opens without one', async () => {
    const { supply } = await opened();
    expect(await server.requests()).toEqual([]);
    const pack = supply.packOf(100) ?? -1;
    const found = await readPack(supply, pack);
    expect(await server.requests()).toHaveLength(1);
    const described = supply.packs.find(({ number }) => number === pack);
    expect(found.map(({ page }) => page)).toEqual([...(described?.pages ?? [])]);
    for (const { page, bytes } of found) expect(bytes).toEqual(pages.get(page));
    expect(found.map(({ page }) => page)).toContain(100);
  });

  test.each([
    ['has another ETag', { etag: '"2"' }, 'state-changed'],
    ['is longer', () => ({ bytes: new Uint8Array(file.length + 1) }), 'state-changed'],
    ['is shorter', () => ({ bytes: file.slice(0, 1000) }), 'state-changed'],
    ['is gone', { status: 404 }, 'state-unavailable'],
    ['fails', { status: 500 }, 'state-unavailable'],
    ['has one other bit', () => ({ bytes: spoilt() }), 'bad-state-file'],
    ['has other bytes', () => ({ bytes: new Uint8Array(file.length) }), 'bad-state-file'],
  ] as const)('no page of a file that %s', async (_, change, code) => {
    const { supply } = await opened();
    await server.set(typeof change === 'function' ? change() : change);
    const reading = (async () => readPack(supply, supply.packOf(100) ?? -1))();
    await expect(reading).rejects.toMatchObject({ code });
    await server.set({ bytes: file, etag: '"1"', status: undefined });
    expect(await readPack(supply, supply.packOf(100) ?? -1)).not.toHaveLength(0);
  });

  test('no page of a server that is gone', async () => {
    const { supply } = await opened();
    await server.stop();
    const reading = (async () => readPack(supply, supply.packOf(100) ?? -1))();
    await expect(reading).rejects.toMatchObject({ code: 'state-unavailable' });
  });
});

test('[LZ1] uniform pages are in no pack', async () => {
  const { supply } = await opened();
  expect(supply.packOf(1000)).toBeUndefined();
  expect(supply.packOf(1001)).toBeUndefined();
});

test('[LZ1] an index of another file is refused', async () => {
  const { reference } = await opened();
  const digest = 'xxh64:0000000000000000';
  await expect(openSupply({ ...reference, digest })).rejects.toMatchObject({
    code: 'bad-state-file',
  });
  const end = reference.end.slice();
  end[30]! ^= 1;
  await expect(openSupply({ ...reference, end })).rejects.toMatchObject({ code: 'bad-state-file' });
});
