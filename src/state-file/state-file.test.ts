import { beforeAll, describe, expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import { BaseImage } from './base-image.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import {
  baseOf,
  baseUrl,
  blob,
  cut,
  headOf,
  items,
  Memory,
  open,
  page,
  pageCount,
  write,
} from './testing/guest.ts';

let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

/** Vitest compares arrays element by element. */
function expectPage(memory: Memory, number: number, contents: Uint8Array): void {
  const isEqual = memory.page(number).every((byte, i) => byte === contents[i]);
  expect(isEqual, `page ${number}`).toBe(true);
}

describe('a state file', () => {
  test('[SF1] gives back what was written, however it arrives', async () => {
    const pages = new Map(Array.from({ length: 1500 }, (_, i) => [i * 2, page(i)]));
    const written = await write(
      [items(pages, [[1, 7]]), blob('console.serial0', 0, 'hello')],
      codec,
    );
    const reader = await open(written.bytes, codec);
    expect(reader.head.state).toEqual(headOf().state);
    const memory = await new Memory().putAll(written.bytes, codec);
    for (const [number, contents] of pages) expectPage(memory, number, contents);
    expect(new Uint32Array(memory.page(1).buffer).every((word) => word === 7)).toBe(true);
    expect(memory.blobs.get('console.serial0 0')).toBe('hello');
    expect(memory.cut).toEqual(cut);
  });

  test('[SF5] zero and repeated pages cost next to nothing', async () => {
    const random = crypto.getRandomValues(new Uint8Array(pageBytes));
    const one = await write([items(new Map([[0, random]]))], codec);
    const many = await write(
      [
        items(new Map(Array.from({ length: 2000 }, (_, i) => [i, random]))),
        items(
          new Map(),
          Array.from({ length: 900 }, (_, i) => [2000 + i, 0]),
        ),
      ],
      codec,
    );
    expect(many.bytes.length - one.bytes.length).toBeLessThan(4096);
  });

  test('[SF5] the later copy of a page counts, in any order of kinds', async () => {
    const { bytes } = await write(
      [
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
      ],
      codec,
    );
    const memory = await new Memory().putAll(bytes, codec);
    expectPage(memory, 0, page(1));
    expectPage(memory, 1, page(1));
    expect(memory.page(2)[0]).toBe(8);
    expectPage(memory, 3, page(6));
    expectPage(memory, 4, page(1));
  });

  test('[SF3] is refused when it is damaged or cut off, after any change', async () => {
    const pages = new Map(Array.from({ length: 40 }, (_, i) => [i, page(i)]));
    const { bytes } = await write([items(pages), blob('pieces.disk.hda', 3, 'block')], codec);
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 400; round++) {
      const spoilt = round % 4 === 0 ? bytes.slice(0, random(bytes.length)) : bytes.slice();
      if (spoilt.length === bytes.length) spoilt[random(bytes.length)]! ^= 1 << random(8);
      const reading = (async () => {
        for await (const _ of (await open(spoilt, codec)).items());
      })();
      await expect(reading).rejects.toMatchObject({
        name: 'HoldfastError',
        code: 'bad-state-file',
      });
    }
  });

  const readAll = async (bytes: Uint8Array) => {
    for await (const _ of (await open(bytes, codec)).items());
  };
  const refused = (sentence: RegExp) =>
    expect.objectContaining({ code: 'bad-state-file', message: expect.stringMatching(sentence) });

  test('[SF2] of another format version is refused with the numbers named', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))], codec);
    new DataView(bytes.buffer).setUint32(8, 7, true);
    await expect(open(bytes, codec)).rejects.toThrow(refused(/version 7.*versions 1 and 2/));
  });

  test('[SF4] without its end, or with more after it, is refused', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))], codec);
    await expect(readAll(bytes.slice(0, -48))).rejects.toThrow(refused(/cut off/));
    await expect(readAll(Uint8Array.of(...bytes, 0))).rejects.toThrow(refused(/bytes after/));
  });

  test('[SF7] that claims too much is refused before anything is allocated', async () => {
    const { bytes } = await write([items(new Map([[0, page(1)]]))], codec);
    const claim = (at: number, value: number) => {
      const spoilt = bytes.slice();
      new DataView(spoilt.buffer).setUint32(at, value, true);
      return readAll(spoilt);
    };
    await expect(claim(12, 0xffff_ffff)).rejects.toThrow(refused(/claims a head/));
    const frame = (await open(bytes, codec)).headBytes;
    for (const at of [frame + 4, frame + 8])
      await expect(claim(at, 0xffff_ffff)).rejects.toThrow(refused(/invalid header/));
    const bomb = codec.compress(new Uint8Array(64 << 20), 3);
    expect(() => codec.decompress(bomb, 4096)).toThrow(refused(/damaged/));
  });
});

describe('[SF6] a state file on a base', () => {
  const pages = new Map(Array.from({ length: 1200 }, (_, i) => [i, page(i)]));
  test('holds what differs, and nothing of what is as it was', async () => {
    const before = await write(
      [
        items(pages, [[2000, 3]]),
        blob('pieces.disk.hda', 0, 'kept'),
        blob('pieces.disk.hda', 1, 'gone'),
      ],
      codec,
    );
    const now = new Map(pages);
    const touched = page(17);
    touched[100] = 255;
    now.set(17, touched).set(18, page(5)).set(2900, page(9999)).delete(1100);
    const delta = await write(
      [items(now, [[2001, 4]]), blob('pieces.disk.hda', 0, 'kept'), blob('9p.files', 9, 'new')],
      codec,
      { base: await baseOf(before, codec) },
    );
    expect(delta.bytes.length).toBeLessThan(3000);
    const memory = await (await new Memory().putAll(before.bytes, codec)).putAll(
      delta.bytes,
      codec,
    );
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
    const before = await write([items(pages)], codec);
    const other = await write([items(new Map([[1, page(1)]]))], codec);
    const reading = BaseImage.read(
      await open(other.bytes, codec),
      { url: baseUrl, digest: before.digest },
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
    const { bytes } = await write(
      Array.from({ length: rounds }, () => round),
      codec,
    );
    for await (const _ of (await open(bytes, codec)).items());
  };
  await read(16);
  await expect(read(17)).rejects.toMatchObject({
    code: 'bad-state-file',
    message: expect.stringContaining('over and over'),
  });
});
