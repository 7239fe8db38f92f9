import { beforeAll, describe, expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { BlobItem, DeviceStateItem, PagesItem } from '../protocol/state-transfer.ts';
import { BaseImage } from './base-image.ts';
import { type Codec, digestText, loadCodec } from './codec.ts';
import { compressed } from './frame.ts';
import type { StateHead } from './head.ts';
import { type ContentsItem, type StateItem, StateReader } from './state-reader.ts';
import { StateWriter } from './state-writer.ts';

let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

const pageCount = 3000;
const head = (base?: { url: string; digest: string }): StateHead => ({
  state: {
    title: 'A machine',
    createdAtMs: 1_700_000_000_000,
    machineId: 'm',
    config: { name: 'A machine', memoryMiB: 16, vgaMemoryMiB: 8 },
    v86Version: '0.5.462',
    ranges: [{ block: 'pc.ram', offsetBytes: 0, pages: pageCount }],
    ...(base && { base }),
  },
});
const cut: DeviceStateItem = {
  kind: 'cut',
  takenAtMs: 1_700_000_000_001,
  vmstate: Uint8Array.of(1, 2, 3),
  keeperState: Uint8Array.of(4),
  consoles: { serial0: 5 },
  pieces: { 'disk.hda': 2 },
};

/** Returns a page that compresses a little, different for each seed. */
function page(seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(pageBytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(seed + (i >> 2), 2_654_435_761);
  return new Uint8Array(words.buffer);
}

/** A guest's pages as its keeper sends them. */
function items(pages: ReadonlyMap<number, Uint8Array>, uniform: [number, number][] = []) {
  const contents = new Uint8Array(pages.size * pageBytes);
  for (const [i, bytes] of [...pages.values()].entries()) contents.set(bytes, i * pageBytes);
  return {
    kind: 'pages',
    numbers: Uint32Array.from(pages.keys()),
    contents,
    uniform: Uint32Array.from(uniform.flat()),
  } satisfies PagesItem;
}

const blob = (stream: string, index: number, text: string): BlobItem => {
  const bytes = new TextEncoder().encode(text);
  return { kind: 'blob', stream, index, bytes, totalBytes: bytes.length, offsetBytes: 0 };
};

interface Written {
  bytes: Uint8Array<ArrayBuffer>;
  digest: string;
}

async function write(said: readonly (PagesItem | BlobItem)[], base?: BaseImage): Promise<Written> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const writer = new StateWriter({
    codec,
    head: head(base?.reference),
    base,
    compress: async (raw, level) => compressed(raw, codec, level),
    parallel: 2,
    write: async (bytes) => void chunks.push(bytes),
  });
  await writer.begin();
  for (const item of said) await (item.kind === 'pages' ? writer.pages(item) : writer.blob(item));
  const digest = digestText(await writer.end(cut));
  return { bytes: new Uint8Array(await new Blob(chunks).arrayBuffer()), digest };
}

/** In pieces of an awkward size. */
async function* inChunks(bytes: Uint8Array, chunkBytes = 1777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.slice(at, at + chunkBytes);
}

const open = (bytes: Uint8Array) => StateReader.open(inChunks(bytes), codec);

/** Memory as a keeper creates it for the received guest. */
class Memory {
  readonly bytes = new Uint8Array(pageCount * pageBytes);
  readonly blobs = new Map<string, string>();
  cut: DeviceStateItem | undefined;

  put(item: Exclude<StateItem, ContentsItem>): void {
    const { bytes } = this;
    if (item.kind === 'pages') {
      const { numbers, contents, uniform, xorNumbers, xor, copies } = item;
      for (const [i, to] of numbers.entries())
        bytes.set(contents.subarray(i * pageBytes, (i + 1) * pageBytes), to * pageBytes);
      const words = new Uint32Array(bytes.buffer);
      for (let i = 0; i < uniform.length; i += 2)
        words.fill(uniform[i + 1] ?? 0, (uniform[i] ?? 0) * 1024, ((uniform[i] ?? 0) + 1) * 1024);
      for (const [i, to] of xorNumbers.entries())
        for (let at = 0; at < pageBytes; at++)
          bytes[to * pageBytes + at] =
            (bytes[to * pageBytes + at] ?? 0) ^ (xor[i * pageBytes + at] ?? 0);
      for (let i = 0; i < copies.length; i += 2)
        bytes.copyWithin(
          (copies[i] ?? 0) * pageBytes,
          (copies[i + 1] ?? 0) * pageBytes,
          ((copies[i + 1] ?? 0) + 1) * pageBytes,
        );
    } else if (item.kind === 'blob')
      this.blobs.set(`${item.stream} ${item.index}`, new TextDecoder().decode(item.bytes));
    else if (item.kind === 'no-blob') this.blobs.delete(`${item.stream} ${item.index}`);
    else this.cut = item;
  }

  async putAll({ bytes }: Written): Promise<this> {
    for await (const item of (await open(bytes)).items())
      if (item.kind !== 'contents') this.put(item);
    return this;
  }

  page(number: number): Uint8Array {
    return this.bytes.slice(number * pageBytes, (number + 1) * pageBytes);
  }
}

/** Vitest compares arrays element by element. */
function expectPage(memory: Memory, number: number, contents: Uint8Array): void {
  const isEqual = memory.page(number).every((byte, i) => byte === contents[i]);
  expect(isEqual, `page ${number}`).toBe(true);
}

describe('a state file', () => {
  test('[SF1] gives back what was written, however it arrives', async () => {
    const pages = new Map(Array.from({ length: 1500 }, (_, i) => [i * 2, page(i)]));
    const written = await write([items(pages, [[1, 7]]), blob('console.serial0', 0, 'hello')]);
    const reader = await open(written.bytes);
    expect(reader.head.state).toEqual(head().state);
    const memory = await new Memory().putAll(written);
    for (const [number, contents] of pages) expectPage(memory, number, contents);
    expect(new Uint32Array(memory.page(1).buffer).every((word) => word === 7)).toBe(true);
    expect(memory.blobs.get('console.serial0 0')).toBe('hello');
    expect(memory.cut).toEqual(cut);
  });

  test('[SF5] zero and repeated pages cost next to nothing', async () => {
    const random = crypto.getRandomValues(new Uint8Array(pageBytes));
    const one = await write([items(new Map([[0, random]]))]);
    const many = await write([
      items(new Map(Array.from({ length: 2000 }, (_, i) => [i, random]))),
      items(
        new Map(),
        Array.from({ length: 900 }, (_, i) => [2000 + i, 0]),
      ),
    ]);
    expect(many.bytes.length - one.bytes.length).toBeLessThan(4096);
  });

  test('[SF5] the later copy of a page counts, in any order of kinds', async () => {
    const memory = await new Memory().putAll(
      await write([
        items(
          new Map([
            [0, page(1)],
            [1, page(1)],
            [2, page(2)],
          ]),
          [[3, 9]],
        ),
        items(
          new Map([
            [0, page(5)],
            [3, page(6)],
            [4, page(1)],
          ]),
          [[2, 8]],
        ),
        items(new Map([[0, page(1)]])),
      ]),
    );
    expectPage(memory, 0, page(1));
    expectPage(memory, 1, page(1));
    expect(memory.page(2)[0]).toBe(8);
    expectPage(memory, 3, page(6));
    expectPage(memory, 4, page(1));
  });

  test('[SF3] is refused when it is damaged or cut off, after any change', async () => {
    const pages = new Map(Array.from({ length: 40 }, (_, i) => [i, page(i)]));
    const { bytes } = await write([items(pages), blob('pieces.disk.hda', 3, 'block')]);
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 400; round++) {
      const spoilt = round % 4 === 0 ? bytes.slice(0, random(bytes.length)) : bytes.slice();
      if (spoilt.length === bytes.length) spoilt[random(bytes.length)]! ^= 1 << random(8);
      const reading = (async () => {
        for await (const _ of (await open(spoilt)).items());
      })();
      await expect(reading).rejects.toMatchObject({
        name: 'HoldfastError',
        code: 'bad-state-file',
      });
    }
  });

  const readAll = async (bytes: Uint8Array) => {
    for await (const _ of (await open(bytes)).items());
  };
  const refused = (sentence: RegExp) =>
    expect.objectContaining({ code: 'bad-state-file', message: expect.stringMatching(sentence) });

  test('[SF2] of another format version is refused with the numbers named', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))]);
    new DataView(bytes.buffer).setUint32(8, 7, true);
    await expect(open(bytes)).rejects.toThrow(refused(/version 7.*version 1/));
  });

  test('[SF4] without its end, or with more after it, is refused', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))]);
    await expect(readAll(bytes.slice(0, -32))).rejects.toThrow(refused(/cut off/));
    await expect(readAll(Uint8Array.of(...bytes, 0))).rejects.toThrow(refused(/bytes after/));
  });

  test('[SF7] that claims too much is refused before anything is allocated', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))]);
    const claim = (at: number, value: number) => {
      const spoilt = bytes.slice();
      new DataView(spoilt.buffer).setUint32(at, value, true);
      return readAll(spoilt);
    };
    await expect(claim(12, 0xffff_ffff)).rejects.toThrow(refused(/claims a head/));
    const frame = (await open(bytes)).headBytes;
    for (const at of [frame + 4, frame + 8])
      await expect(claim(at, 0xffff_ffff)).rejects.toThrow(refused(/invalid header/));
    const bomb = codec.compress(new Uint8Array(64 << 20), 3);
    expect(() => codec.decompress(bomb, 4096)).toThrow(refused(/damaged/));
  });
});

describe('[SF6] a state file on a base', () => {
  const pages = new Map(Array.from({ length: 1200 }, (_, i) => [i, page(i)]));
  const reference = { url: 'https://example.org/base.holdfast', digest: '' };

  async function baseOf(written: Written): Promise<BaseImage> {
    return BaseImage.read(
      await open(written.bytes),
      { ...reference, digest: written.digest },
      codec,
    );
  }

  test('holds what differs, and nothing of what is as it was', async () => {
    const before = await write([
      items(pages, [[2000, 3]]),
      blob('pieces.disk.hda', 0, 'kept'),
      blob('pieces.disk.hda', 1, 'gone'),
    ]);
    const now = new Map(pages);
    const touched = page(17);
    touched[100] = 255;
    now.set(17, touched).set(18, page(5)).set(2900, page(9999)).delete(1100);
    const delta = await write(
      [items(now, [[2001, 4]]), blob('pieces.disk.hda', 0, 'kept'), blob('9p.files', 9, 'new')],
      await baseOf(before),
    );
    expect(delta.bytes.length).toBeLessThan(3000);
    const memory = await (await new Memory().putAll(before)).putAll(delta);
    for (const [number, contents] of now) expectPage(memory, number, contents);
    expectPage(memory, 1100, new Uint8Array(pageBytes));
    expectPage(memory, 2000, new Uint8Array(pageBytes));
    expect(memory.page(2001)[0]).toBe(4);
    expect([...memory.blobs]).toEqual([
      ['pieces.disk.hda 0', 'kept'],
      ['9p.files 9', 'new'],
    ]);
  });

  test('is refused with another base than the one it names', async () => {
    const before = await write([items(pages)]);
    const other = await write([items(new Map([[1, page(1)]]))]);
    const reading = BaseImage.read(
      await open(other.bytes),
      { ...reference, digest: before.digest },
      codec,
    );
    await expect(reading).rejects.toMatchObject({ code: 'wrong-base' });
  });
});

test('[5] a file that writes its pages over and over is refused', async () => {
  const round = items(
    new Map(),
    Array.from({ length: pageCount }, (_, page) => [page, 7]),
  );
  const read = async (rounds: number) => {
    const { bytes } = await write(Array.from({ length: rounds }, () => round));
    for await (const _ of (await open(bytes)).items());
  };
  await read(16);
  await expect(read(17)).rejects.toMatchObject({
    code: 'bad-state-file',
    message: expect.stringContaining('over and over'),
  });
});
