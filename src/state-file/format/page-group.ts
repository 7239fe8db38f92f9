/** Pages of a state file, as they stand in a frame. See docs/spec/state-file.md, "Frames". */
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { ImportPages } from '../../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';
import type { StateFormat } from './frame.ts';
import { mostSlots } from './page-sources.ts';

const headerBytes = 16;

/**
 * | offset | what |
 * |---|---|
 * | 0 | u32 counts: contents, uniform pages, differences, copies |
 * | 16 | u32 page numbers of the contents; pairs of page and word; page numbers of the differences; pairs of page and source |
 * | | contents, differences: 4 KiB each |
 */
export function encodePageGroup(group: ImportPages): Uint8Array<ArrayBuffer> {
  const { numbers, contents, uniform, xorNumbers, xor, copies } = group;
  const lists = [numbers, uniform, xorNumbers, copies];
  const listBytes = lists.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const out = new Uint8Array(headerBytes + listBytes + contents.length + xor.length);
  const view = new DataView(out.buffer);
  const counts = [numbers.length, uniform.length / 2, xorNumbers.length, copies.length / 2];
  for (const [i, count] of counts.entries()) view.setUint32(i * 4, count, true);
  let at = headerBytes;
  for (const list of lists) {
    for (const value of list) {
      view.setUint32(at, value, true);
      at += 4;
    }
  }
  out.set(contents, at);
  out.set(xor, at + contents.length);
  return out;
}

/**
 * Decodes a group in place: only the lists of `raw` are copied.
 * @param raw starts at its buffer's start, so that its pages are aligned
 * @param pageCount of the machine: a larger number is refused
 * @throws HoldfastError `bad-state-file`
 */
export function decodePageGroup(
  raw: Uint8Array<ArrayBuffer>,
  pageCount: number,
  format: StateFormat,
): ImportPages {
  if (raw.length < headerBytes) throw badState('A part of this state file is cut off.');
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const [plain = 0, words = 0, differences = 0, copied = 0] = [0, 4, 8, 12].map((at) =>
    view.getUint32(at, true),
  );
  const listWords = plain + words * 2 + differences + copied * 2;
  const expected = headerBytes + listWords * 4 + (plain + differences) * pageBytes;
  if (expected !== raw.length) throw badState('A part of this state file has another length.');
  if (format !== 1 && plain + differences > mostSlots)
    throw badState('A part of this state file has too many pages.');

  let at = headerBytes;
  const take = (count: number, isPage: (i: number) => boolean) => {
    const list = new Uint32Array(count);
    for (let i = 0; i < count; i++, at += 4) {
      const value = view.getUint32(at, true);
      if (isPage(i) && value >= pageCount)
        throw badState(`This state file speaks of page ${value} of ${pageCount}.`);
      list[i] = value;
    }
    return list;
  };
  const every = () => true;
  const numbers = take(plain, every);
  const uniform = take(words * 2, (i) => i % 2 === 0);
  const xorNumbers = take(differences, every);
  const copies = take(copied * 2, every);
  const contents = raw.subarray(at, at + plain * pageBytes);
  const xor = raw.subarray(at + contents.length);
  return { kind: 'pages', numbers, contents, uniform, xorNumbers, xor, copies };
}

/** Returns a group without bytes. @param copies pairs of page and source */
export function listsOnly({
  uniform = [],
  copies = [],
}: {
  uniform?: readonly number[];
  copies?: readonly number[];
}): ImportPages {
  const none = new Uint32Array();
  return {
    kind: 'pages',
    numbers: none,
    contents: new Uint8Array(),
    uniform: Uint32Array.from(uniform),
    xorNumbers: none,
    xor: new Uint8Array(),
    copies: Uint32Array.from(copies),
  };
}

export function buffersOfPages(group: ImportPages): Transferable[] {
  const { numbers, contents, uniform, xorNumbers, xor, copies } = group;
  const arrays = [numbers, contents, uniform, xorNumbers, xor, copies];
  return [...new Set(arrays.map(({ buffer }) => buffer))];
}
