import { beforeAll, describe, expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import { randomSource } from '../vmstate/testing/mutate.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import { frameKind } from './format/frame.ts';
import { BufferRanges, type RangeSource } from './sources/range-source.ts';
import { StateFileReader } from './state-file-reader.ts';
import {
  baseOf,
  blob,
  cut,
  headOf,
  items,
  Memory,
  page,
  pageCount,
  write,
} from './testing/guest.ts';

let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

/** Counts what is read. */
class CountedRanges extends BufferRanges {
  readonly reads: [number, number][] = [];

  override async read(begin: number, end: number) {
    this.reads.push([begin, end]);
    return super.read(begin, end);
  }
}

async function opened(source: RangeSource): Promise<StateFileReader> {
  const reader = await StateFileReader.open(source, codec);
  if (!reader) throw new Error('The file has no index.');
  return reader;
}

/** Fills memory from the index and the frames, in a random order. */
async function readAll(reader: StateFileReader, base = new Memory()): Promise<Memory> {
  const memory = new Memory();
  const { hot, others } = reader.packs;
  for (let number = 0; number < pageCount; number++) {
    const source = reader.index.sources.of(number);
    if (source.kind === 'uniform') memory.fill(number, source.word);
    if (source.kind === 'base') memory.bytes.set(base.page(source.page), number * pageBytes);
  }
  const next = randomSource(7);
  const frames = [...hot, ...others].sort(() => next(3) - 1);
  for (const frame of frames) {
    for (const { page: number, bytes, basePage } of await reader.readPages(frame)) {
      const at = number * pageBytes;
      memory.bytes.set(basePage === undefined ? bytes : base.page(basePage), at);
      if (basePage !== undefined) memory.combine(number, bytes);
    }
  }
  return memory;
}

const isSame = (a: Memory, b: Memory) => Buffer.compare(a.bytes, b.bytes) === 0;

/** A guest whose pages are sent in several rounds, as one that runs meanwhile. */
function rounds() {
  const next = randomSource(3);
  return Array.from({ length: 6 }, (_, round) => {
    const pages = new Map(
      Array.from({ length: round === 0 ? 900 : 150 }, () => [next(pageCount), page(next(700))]),
    );
    const words = Array.from({ length: 40 }, () => next(pageCount))
      .filter((number) => !pages.has(number))
      .map((number): [number, number] => [number, next(3)]);
    return items(pages, words);
  });
}

describe('a state file of format 2', () => {
  test('[SF11] gives the same pages in any order as front to back', async () => {
    const { bytes, digest } = await write(rounds(), codec, { hot: [1, 2, 3, 500, 501] });
    const reader = await opened(new BufferRanges(bytes));
    expect(reader.digest).toBe(digest);
    expect(reader.head.state).toEqual(headOf().state);
    expect(await reader.readDeviceState()).toEqual(cut);
    expect(isSame(await readAll(reader), await new Memory().putAll(bytes, codec))).toBe(true);
  });

  test('[SF11] on a base as well', async () => {
    const [first, ...others] = rounds();
    const before = await write(first ? [first] : [], codec);
    const base = await baseOf(before, codec);
    const { bytes } = await write([...(first ? [first] : []), ...others], codec, { base });
    const reader = await opened(new BufferRanges(bytes));
    const baseMemory = await new Memory().putAll(before.bytes, codec);
    const expected = await (await new Memory().putAll(before.bytes, codec)).putAll(bytes, codec);
    expect(isSame(await readAll(reader, baseMemory), expected)).toBe(true);
  });

  test('[SF12] has hot pages, device state and index at its end, in one piece', async () => {
    const cold = new Map(Array.from({ length: 2500 }, (_, i) => [i, page(i * 9)]));
    const hot = [3, 700, 2100];
    const again = items(new Map([[40, page(1)]]));
    const { bytes } = await write([items(cold), again], codec, { hot });
    const source = new CountedRanges(bytes);
    const reader = await opened(source);
    const opening = source.reads.length;
    const read = [];
    for (const frame of reader.packs.hot) read.push(...(await reader.readPages(frame)));
    await reader.readDeviceState();
    expect(read.map(({ page: number }) => number).sort((a, b) => a - b)).toEqual([
      3, 40, 700, 2100,
    ]);
    expect(Buffer.compare(read.find((one) => one.page === 40)?.bytes ?? page(0), page(1))).toBe(0);
    expect(source.reads.length).toBe(opening);
    const [, , [begin = 0, end] = []] = source.reads;
    expect({ opening, end }).toEqual({ opening: 3, end: bytes.length });
    expect(begin).toBeGreaterThan(bytes.length - (256 << 10) - 1);
  });

  test('[SF10] a page costs its reader one small frame', async () => {
    const noise = (count: number) =>
      new Map(
        Array.from({ length: count }, (_, i) => [
          i,
          crypto.getRandomValues(new Uint8Array(pageBytes)),
        ]),
      );
    const { bytes } = await write([items(noise(1000))], codec);
    const source = new CountedRanges(bytes);
    const reader = await opened(source);
    reader.releaseTail();
    source.reads.length = 0;
    const where = reader.index.sources.of(500);
    expect(where.kind).toBe('contents');
    if (where.kind === 'contents') await reader.readPages(where.frame);
    expect(source.reads.length).toBe(1);
    const [[begin = 0, end = 0] = []] = source.reads;
    expect(end - begin).toBeLessThan(280 << 10);
  });

  test('passes on disks and blobs, and counts their room', async () => {
    const { bytes } = await write([blob('console.serial0', 0, 'hello')], codec);
    const reader = await opened(new BufferRanges(bytes));
    const rooms: number[] = [];
    const parts = [];
    for await (const part of reader.readParts((room) => void rooms.push(room))) parts.push(part);
    expect(parts.map(({ kind }) => kind)).toEqual(['blobs']);
    expect(rooms).toEqual([5120]);
    expect(reader.index.frames.map(({ kind }) => kind)).toEqual([frameKind.blobs, frameKind.cut]);
  });
});
