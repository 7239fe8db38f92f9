/**
 * A record of the checkpoint log: copies of pages, and blobs (console output, pieces of disks).
 * Little-endian:
 *
 * | offset | what |
 * |---|---|
 * | 0 | magic `HFR1` |
 * | 4 | u32 counts: pages with contents, repeats, uniform pages, blobs |
 * | 20 | u32 bytes of the blob table |
 * | 24 | u64 xxHash64 of everything behind it, seeded with the xxHash64 of the first 24 bytes |
 * | 32 | u32 page numbers of the pages with contents |
 * | | repeats: u32 page, u32 index of the equal contents in this record |
 * | | uniform pages: u32 page, u32 the word that fills it |
 * | | blob table: u16 length of the name, name (UTF-8), u32 index, u32 length (2^32-1: deleted) |
 * | | contents of the pages, 4 KiB each, then of the blobs |
 */

import { HoldfastError } from '../../errors.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { Digest } from '../../vmstate/vmstate.ts';

const magic = 0x31524648;
const digestOffset = 24;
const headerBytes = 32;
const deleted = 0xffffffff;

/** A numbered piece of bytes of a named stream. Without bytes, it was deleted. */
export interface Piece {
  stream: string;
  index: number;
  bytes: Uint8Array | undefined;
}

export interface LogRecord {
  /** Pages that are stored with their contents. */
  pages: { page: number; contents: Uint8Array }[];
  repeats: { page: number; like: number }[];
  uniform: { page: number; word: number }[];
  blobs: Piece[];
}

export const emptyRecord = (): LogRecord => ({ pages: [], repeats: [], uniform: [], blobs: [] });

/** Returns the numbers of all pages in a record. */
export function pagesOf({ pages, repeats, uniform }: LogRecord): Uint32Array {
  const all = new Uint32Array(pages.length + repeats.length + uniform.length);
  let at = 0;
  for (const list of [pages, repeats, uniform]) for (const { page } of list) all[at++] = page;
  return all;
}

/** Returns the size of the contents, without the lists before them, which are small. */
export function contentBytes({ pages, blobs }: LogRecord): number {
  return pages.length * pageBytes + blobs.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
}

/** @param allocate returns memory of that length; all of it is overwritten */
export function encodeRecord(
  record: LogRecord,
  digest: Digest,
  allocate = (length: number): Uint8Array => new Uint8Array(length),
): Uint8Array {
  const { pages, repeats, uniform, blobs } = record;
  const names = blobs.map(({ stream }) => new TextEncoder().encode(stream));
  const tableBytes = names.reduce((sum, name) => sum + 10 + name.length, 0);
  const lists = 4 * pages.length + 8 * repeats.length + 8 * uniform.length;
  const out = allocate(headerBytes + lists + tableBytes + contentBytes(record));
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  let at = 0;
  const u32 = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  for (const value of [magic, pages.length, repeats.length, uniform.length, blobs.length])
    u32(value);
  u32(tableBytes);
  at = headerBytes;
  for (const { page } of pages) u32(page);
  for (const { page, like } of repeats) {
    u32(page);
    u32(like);
  }
  for (const { page, word } of uniform) {
    u32(page);
    u32(word);
  }
  for (const [i, { index, bytes }] of blobs.entries()) {
    const name = names[i] ?? new Uint8Array(0);
    view.setUint16(at, name.length, true);
    out.set(name, at + 2);
    at += 2 + name.length;
    u32(index);
    u32(bytes ? bytes.length : deleted);
  }
  for (const { contents: bytes } of pages) {
    out.set(bytes, at);
    at += pageBytes;
  }
  for (const { bytes } of blobs) {
    if (!bytes) continue;
    out.set(bytes, at);
    at += bytes.length;
  }
  view.setBigUint64(digestOffset, digestOf(out, digest), true);
  return out;
}

function digestOf(bytes: Uint8Array, digest: Digest): bigint {
  return digest(bytes.subarray(headerBytes), digest(bytes.subarray(0, digestOffset)));
}

/** Returns false for counts that the record has no room for: nothing of them is allocated. */
function isPlausible(view: DataView): boolean {
  const [pages = 0, repeats = 0, uniform = 0, blobs = 0, tableBytes = 0] = [4, 8, 12, 16, 20].map(
    (at) => view.getUint32(at, true),
  );
  const listBytes = 4 * pages + 8 * (repeats + uniform) + tableBytes + pageBytes * pages;
  return blobs * 10 <= tableBytes && headerBytes + listBytes <= view.byteLength;
}

/**
 * @returns views into `bytes`.
 * @throws HoldfastError `storage-damaged` if any byte differs from what was written.
 */
export function decodeRecord(bytes: Uint8Array, digest: Digest): LogRecord {
  const damaged = () =>
    new HoldfastError('storage-damaged', 'A record of the stored guest is torn or damaged.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerBytes || view.getUint32(0, true) !== magic) throw damaged();
  if (view.getBigUint64(digestOffset, true) !== digestOf(bytes, digest)) throw damaged();

  // Another computer may have written them, with a digest that fits.
  if (!isPlausible(view)) throw damaged();
  let at = 4;
  const u32 = () => {
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  const [pageCount, repeatCount, uniformCount, blobCount] = [u32(), u32(), u32(), u32()];
  at = headerBytes;
  const numbers = Array.from({ length: pageCount }, u32);
  const repeats = Array.from({ length: repeatCount }, () => ({ page: u32(), like: u32() }));
  const uniform = Array.from({ length: uniformCount }, () => ({ page: u32(), word: u32() }));
  const table = Array.from({ length: blobCount }, () => {
    const nameBytes = view.getUint16(at, true);
    const stream = new TextDecoder().decode(bytes.slice(at + 2, at + 2 + nameBytes));
    at += 2 + nameBytes;
    return { stream, index: u32(), length: u32() };
  });
  const take = (length: number) => {
    const start = at;
    at += length;
    return bytes.subarray(start, at);
  };
  const pages = numbers.map((page) => ({ page, contents: take(pageBytes) }));
  const blobs = table.map(({ stream, index, length }) => ({
    stream,
    index,
    bytes: length === deleted ? undefined : take(length),
  }));
  return { pages, repeats, uniform, blobs };
}
