import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Codec, loadCodec } from './format/codec.ts';
import { digestText } from './format/digest-text.ts';
import { Memory, open } from './testing/guest.ts';

const pages = 900;
/** Digests of the files, and of the memory of their guests. */
const golden = {
  v1: { file: 'xxh64:36303a6a313127df', memory: 'xxh64:b4f58bc119dd9135' },
  'v1-on-base': { file: 'xxh64:9d30e47cd4b0de01', memory: 'xxh64:b3e6e6a10ecd6fa9' },
  v2: { file: 'xxh64:3f83f75c41dc3e7c', memory: 'xxh64:b4f58bc119dd9135' },
  'v2-on-base': { file: 'xxh64:558cb187b8162a0e', memory: 'xxh64:b3e6e6a10ecd6fa9' },
} as const;

let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

const stateOf = async (name: string) =>
  new Uint8Array(await readFile(new URL(`testing/states/${name}.holdfast`, import.meta.url)));

async function digestOf(bytes: Uint8Array): Promise<string> {
  const reader = await open(bytes, codec);
  for await (const _ of reader.items());
  return reader.digest;
}

test.each(['v1', 'v2'] as const)('[SF2] the golden file of format %s is read', async (name) => {
  const bytes = await stateOf(name);
  const memory = await new Memory(pages).putAll(bytes, codec);
  expect(digestText(codec.digest(memory.bytes))).toBe(golden[name].memory);
  expect(await digestOf(bytes)).toBe(golden[name].file);
  expect(memory.blobs.get('console.serial0 0')).toBe('hello');
  expect((await open(bytes, codec)).head.thumbnail).toEqual(Uint8Array.of(9, 8, 7));
});

test.each(['v1', 'v2'] as const)('[SF6] so is that on a base of format %s', async (format) => {
  const name = `${format}-on-base` as const;
  const bytes = await stateOf(name);
  expect((await open(bytes, codec)).head.state.base?.digest).toBe(golden[format].file);
  const memory = await new Memory(pages).putAll(await stateOf(format), codec);
  await memory.putAll(bytes, codec);
  expect(digestText(codec.digest(memory.bytes))).toBe(golden[name].memory);
  expect(await digestOf(bytes)).toBe(golden[name].file);
  expect([...memory.blobs.keys()].sort()).toEqual([
    '9p.files 9',
    'console.serial0 0',
    'pieces.disk.hda 0',
  ]);
});
