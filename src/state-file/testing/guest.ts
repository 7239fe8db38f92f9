/** For tests: a guest that is written to a state file, and the memory that it is read into. */
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { BlobItem, DeviceStateItem, PagesItem } from '../../protocol/state-transfer.ts';
import { BaseImage } from '../base-image.ts';
import type { Codec } from '../format/codec.ts';
import { digestText } from '../format/digest-text.ts';
import { compressed } from '../format/frame.ts';
import type { StateHead } from '../format/head.ts';
import type { ContentsItem } from '../format/state-part.ts';
import { type StateItem, StateReader } from '../state-reader.ts';
import { StateWriter } from '../state-writer.ts';

export const pageCount = 3000;

export const headOf = (base?: { url: string; digest: string }): StateHead => ({
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

export const cut: DeviceStateItem = {
  kind: 'cut',
  takenAtMs: 1_700_000_000_001,
  vmstate: Uint8Array.of(1, 2, 3),
  keeperState: Uint8Array.of(4),
  consoles: { serial0: 5 },
  pieces: { 'disk.hda': 2 },
};

/** Returns a page that compresses a little, different for each seed. */
export function page(seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(pageBytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(seed + (i >> 2), 2_654_435_761);
  return new Uint8Array(words.buffer);
}

/** A guest's pages as its keeper sends them. */
export function items(pages: ReadonlyMap<number, Uint8Array>, uniform: [number, number][] = []) {
  const contents = new Uint8Array(pages.size * pageBytes);
  for (const [i, bytes] of [...pages.values()].entries()) contents.set(bytes, i * pageBytes);
  return {
    kind: 'pages',
    numbers: Uint32Array.from(pages.keys()),
    contents,
    uniform: Uint32Array.from(uniform.flat()),
  } satisfies PagesItem;
}

export const blob = (stream: string, index: number, text: string): BlobItem => {
  const bytes = new TextEncoder().encode(text);
  return { kind: 'blob', stream, index, bytes, totalBytes: bytes.length, offsetBytes: 0 };
};

export interface Written {
  bytes: Uint8Array<ArrayBuffer>;
  digest: string;
}

export async function write(
  said: readonly (PagesItem | BlobItem)[],
  codec: Codec,
  { base, hot }: { base?: BaseImage; hot?: Iterable<number> } = {},
): Promise<Written> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const writer = new StateWriter({
    codec,
    head: headOf(base?.reference),
    base,
    hot,
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

export const open = (bytes: Uint8Array, codec: Codec) => StateReader.open(inChunks(bytes), codec);

export const baseUrl = 'https://example.org/base.holdfast';

export async function baseOf({ bytes, digest }: Written, codec: Codec): Promise<BaseImage> {
  return BaseImage.read(await open(bytes, codec), { url: baseUrl, digest }, codec);
}

/** Memory as a keeper creates it for the received guest. */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly blobs = new Map<string, string>();
  cut: DeviceStateItem | undefined;

  constructor(pages = pageCount) {
    this.bytes = new Uint8Array(pages * pageBytes);
  }

  put(item: Exclude<StateItem, ContentsItem>): void {
    const { bytes } = this;
    if (item.kind === 'pages') {
      const { numbers, contents, uniform, xorNumbers, xor, copies } = item;
      for (const [i, to] of numbers.entries())
        bytes.set(contents.subarray(i * pageBytes, (i + 1) * pageBytes), to * pageBytes);
      for (let i = 0; i < uniform.length; i += 2) this.fill(uniform[i] ?? 0, uniform[i + 1] ?? 0);
      for (const [i, to] of xorNumbers.entries())
        this.combine(to, xor.subarray(i * pageBytes, (i + 1) * pageBytes));
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

  fill(number: number, word: number): void {
    new Uint32Array(this.bytes.buffer).fill(word, number * 1024, (number + 1) * 1024);
  }

  combine(number: number, difference: Uint8Array): void {
    const at = number * pageBytes;
    for (const [i, byte] of difference.entries())
      this.bytes[at + i] = (this.bytes[at + i] ?? 0) ^ byte;
  }

  async putAll(bytes: Uint8Array, codec: Codec): Promise<this> {
    for await (const item of (await open(bytes, codec)).items())
      if (item.kind !== 'contents') this.put(item);
    return this;
  }

  page(number: number): Uint8Array {
    return this.bytes.slice(number * pageBytes, (number + 1) * pageBytes);
  }
}
