/** State files of format 2 that are damaged by accident, and by intent: then every digest fits. */
import { beforeAll, describe, expect, test } from 'vitest';
import { pageBytes } from '../protocol/page-bytes.ts';
import { randomSource } from '../vmstate/testing/mutate.ts';
import { type Codec, loadCodec } from './format/codec.ts';
import { frameKind } from './format/frame.ts';
import { encodePageGroup } from './format/page-group.ts';
import { BufferRanges } from './sources/range-source.ts';
import { StateFileReader } from './state-file-reader.ts';
import { putTogether, type TakenApart, takeApart } from './testing/assemble-state.ts';
import { blob, cut, headOf, items, open, page, pageCount, write } from './testing/guest.ts';

let codec: Codec;
let bytes: Uint8Array<ArrayBuffer>;
let apart: TakenApart;
beforeAll(async () => {
  codec = await loadCodec();
  const pages = new Map(Array.from({ length: 150 }, (_, i) => [i * 3, page(i)]));
  const said = [items(pages, [[1, 7]]), blob('pieces.disk.hda', 3, 'block')];
  ({ bytes } = await write(said, codec, { hot: [3, 6, 9] }));
  apart = takeApart(bytes, codec);
});

type Read = (file: Uint8Array) => Promise<void>;

async function stream(file: Uint8Array): Promise<void> {
  for await (const _ of (await open(file, codec)).parts());
}

/** Reads everything that a guest needs, in any order. */
async function ranges(file: Uint8Array): Promise<void> {
  const reader = await StateFileReader.open(new BufferRanges(Uint8Array.from(file)), codec);
  if (!reader) throw new Error('The file has no index.');
  for (const frame of [...reader.packs.others, ...reader.packs.hot]) await reader.readPages(frame);
  for await (const _ of reader.readParts());
  await reader.readDeviceState();
}

const readers: [string, Read][] = [
  ['front to back', stream],
  ['in any order', ranges],
];

const refused = (sentence = /./) =>
  expect.objectContaining({ code: 'bad-state-file', message: expect.stringMatching(sentence) });

describe.each(readers)('[SF3] read %s,', (_, read) => {
  test('a whole file is taken', async () => {
    await read(bytes);
    await read(putTogether(apart, codec));
  });

  test('a file is refused after any change, and when it is cut off', async () => {
    const next = randomSource(11);
    for (let round = 0; round < 300; round++) {
      const spoilt = round % 4 === 0 ? bytes.slice(0, next(bytes.length)) : bytes.slice();
      if (spoilt.length === bytes.length) spoilt[next(bytes.length)]! ^= 1 << next(8);
      // The header of a frame is in the index too: that reader needs only one of them.
      const outcome = await read(spoilt).then(
        () => 'read',
        (thrown) => (thrown as { code?: string }).code ?? String(thrown),
      );
      if (outcome === 'read') expect(read).toBe(ranges);
      else expect(outcome).toBe('bad-state-file');
    }
  });

  test('[SF7] an index of random numbers is refused, or names only what is there', async () => {
    const next = randomSource(5);
    const lies = [0, 1, 255, 256, pageCount, 2 ** 20, 2 ** 31, 2 ** 32 - 1];
    for (let round = 0; round < 300; round++) {
      const file = putTogether(apart, codec, {
        index: (raw) => {
          const view = new DataView(raw.buffer);
          const at = next(raw.length >> 2) * 4;
          view.setUint32(at, lies[next(lies.length)] ?? 0, true);
          return next(4) === 0 ? raw.slice(0, next(raw.length)) : raw;
        },
      });
      await read(file).catch((thrown) => expect(thrown).toMatchObject({ code: 'bad-state-file' }));
    }
  });

  const ends: [string, Parameters<typeof putTogether>[2]][] = [
    ['a tail before the file', { end: (end) => ({ ...end, tailAt: 0 }) }],
    ['an index before the file', { end: (end) => ({ ...end, indexAt: 0, tailAt: 0 }) }],
    ['an index behind its end', { end: (end) => ({ ...end, indexAt: 2 ** 50 }) }],
    ['another digest', { end: (end) => ({ ...end, digest: end.digest + 1n }) }],
    ['bytes that the index does not name', { gap: new Uint8Array(100) }],
  ];
  test.each(ends)('[SF14] a file is refused with %s', async (_what, spoils) => {
    await expect(read(putTogether(apart, codec, spoils))).rejects.toThrow(refused());
  });

  test('[SF14] a file without device state, or with parts in another order, is refused', async () => {
    const { parts } = apart;
    const others = parts.filter(({ kind }) => kind !== frameKind.cut);
    const last = parts.filter(({ kind }) => kind === frameKind.cut);
    for (const order of [others, [...last, ...others], [...parts, ...last], [...parts].reverse()])
      await expect(read(putTogether({ ...apart, parts: order }, codec))).rejects.toThrow(refused());
  });

  test('[SF7] a frame of pages that claims more than 2 MiB is refused unseen', async () => {
    const bomb = codec.compress(new Uint8Array(64 << 20), 3);
    const index = apart.parts.findIndex(({ kind }) => kind === frameKind.pages);
    const file = putTogether(apart, codec, {
      stored: (stored, number) =>
        number === index ? { bytes: bomb.slice(), rawBytes: 64 << 20 } : stored,
    });
    await expect(read(file)).rejects.toThrow(refused(/invalid header/));
    const hidden = putTogether(apart, codec, {
      stored: (stored, number) =>
        number === index ? { bytes: bomb.slice(), rawBytes: 1 << 20 } : stored,
    });
    await expect(read(hidden)).rejects.toThrow(refused(/damaged/));
  });
});

describe('[SF14] front to back, the index must be what is in the file:', () => {
  test('a page is named elsewhere than it is', async () => {
    // The first place of the first list: the page after it then has another one, too.
    const file = putTogether(apart, codec, {
      index: (raw) => {
        const view = new DataView(raw.buffer);
        const [frames = 0, contents = 0] = [view.getUint32(0, true), view.getUint32(4, true)];
        const places = 20 + frames * 24 + contents * 4;
        view.setUint32(places + 8, view.getUint32(places + 8, true) ^ 1, true);
        return raw;
      },
    });
    await expect(stream(file)).rejects.toThrow(refused(/index .* differs/));
  });

  test('a difference from what is not in a base is refused', async () => {
    const none = new Uint32Array();
    const raw = encodePageGroup({
      kind: 'pages',
      numbers: none,
      contents: new Uint8Array(),
      uniform: none,
      xorNumbers: Uint32Array.of(5),
      xor: page(1),
      copies: none,
    });
    const parts = [{ kind: frameKind.pages, raw }, ...apart.parts];
    expect(() => putTogether({ ...apart, parts }, codec)).toThrow(refused(/not in its base/));
    const file = putTogether(
      { ...apart, format: 1, parts: parts.filter(({ kind }) => kind < 6) },
      codec,
    );
    new DataView(file.buffer, file.byteOffset).setUint32(8, 2, true);
    await expect(stream(file)).rejects.toThrow(refused());
  });
});

test('[SF10] a page is not taken for a difference, nor a difference for a page', async () => {
  const none = new Uint32Array();
  const raw = encodePageGroup({
    kind: 'pages',
    numbers: Uint32Array.of(1),
    contents: page(1),
    uniform: none,
    xorNumbers: Uint32Array.of(2),
    xor: page(2),
    copies: none,
  });
  const base = { url: 'https://example.org/base.holdfast', digest: `xxh64:${'0'.repeat(16)}` };
  const parts = [
    { kind: frameKind.pages, raw },
    ...apart.parts.filter(({ kind }) => kind === frameKind.cut),
  ];
  const onBase = { ...apart, head: headOf(base), parts };
  await ranges(putTogether(onBase, codec));
  const file = putTogether(onBase, codec, {
    index: (index) => {
      const view = new DataView(index.buffer);
      const place = 20 + parts.length * 24 + 4;
      view.setUint32(place, view.getUint32(place, true) ^ 1, true);
      return index;
    },
  });
  await expect(ranges(file)).rejects.toThrow(refused(/another kind/));
});

test('[SF7] a frame has at most 256 pages with bytes', async () => {
  const pages = new Map(Array.from({ length: 257 }, (_, i) => [i, page(i)]));
  const { numbers, contents, uniform } = items(pages);
  const none = new Uint32Array();
  const group = {
    numbers,
    contents,
    uniform,
    xorNumbers: none,
    xor: new Uint8Array(),
    copies: none,
  };
  const parts = [
    { kind: frameKind.pages, raw: encodePageGroup({ kind: 'pages', ...group }) },
    ...apart.parts.filter(({ kind }) => kind === frameKind.cut),
  ];
  expect(() => putTogether({ ...apart, head: headOf(), parts }, codec)).toThrow(
    refused(/too many pages/),
  );
  expect(contents.length).toBe(257 * pageBytes);
  expect(cut.kind).toBe('cut');
});
