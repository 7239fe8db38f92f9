/** The index of a state file of format 2: its frames, and the source of each page. See docs/spec/state-file.md, "Index". */
import { pageBytes } from '../../protocol/page-bytes.ts';
import { badState } from './bad-state.ts';
import { decodeFrameHeader, type FrameHeader, frameHeaderBytes, frameKind } from './frame.ts';
import type { FrameHeaders } from './frame-headers.ts';
import { FrameOrder } from './frame-order.ts';
import { frameOf, type PageSource, PageSources, placeOf, slotOf } from './page-sources.ts';

/** Counts of frames, contents, uniform pages, differences, pages of the base. */
const countsBytes = 20;

/** How a column stands in the index: numbers that are alike compress to little. */
type Coding = (value: number, before: number, page: number) => number;
const steps: Coding = (value, before) => value - before;
const plain: Coding = (value) => value;
const aside: Coding = (value, _, page) => value - page;

/** The columns of each list. The first is the page. */
const codings: Record<PageSource['kind'], readonly Coding[]> = {
  contents: [steps, steps],
  uniform: [steps, plain],
  difference: [steps, steps, aside],
  base: [steps, aside],
};

export interface IndexedFrame extends FrameHeader {
  /** Offset of its header in the file. */
  offset: number;
}

export interface StateIndex {
  /** All frames before the index, in their order. */
  frames: readonly IndexedFrame[];
  sources: PageSources;
}

/** @param headers of all frames before the index */
export function encodeIndex(headers: FrameHeaders, sources: PageSources): Uint8Array<ArrayBuffer> {
  const counts = { contents: 0, uniform: 0, difference: 0, base: 0 };
  for (const [, { kind }] of sources.named()) counts[kind]++;
  const kinds = ['contents', 'uniform', 'difference', 'base'] as const;
  const listBytes = kinds.reduce((sum, kind) => sum + counts[kind] * codings[kind].length * 4, 0);
  const out = new Uint8Array(countsBytes + headers.bytes.length + listBytes);
  const view = new DataView(out.buffer);
  const words = [headers.count, ...kinds.map((kind) => counts[kind])];
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
  out.set(headers.bytes, countsBytes);
  let at = countsBytes + headers.bytes.length;
  const lists = kinds.map((kind) => {
    const list = { at, row: 0, before: [0, 0, 0] };
    at += counts[kind] * codings[kind].length * 4;
    return list;
  });
  for (const [page, source] of sources.named()) {
    const list = lists[kinds.indexOf(source.kind)];
    if (!list) continue;
    const row = rowOf(page, source);
    for (const [column, coding] of codings[source.kind].entries()) {
      const value = row[column] ?? 0;
      const to = list.at + (column * counts[source.kind] + list.row) * 4;
      view.setUint32(to, coding(value, list.before[column] ?? 0, page), true);
    }
    list.before = row;
    list.row++;
  }
  return out;
}

function rowOf(page: number, source: PageSource): number[] {
  switch (source.kind) {
    case 'contents':
      return [page, placeOf(source.frame, source.slot)];
    case 'uniform':
      return [page, source.word];
    case 'difference':
      return [page, placeOf(source.frame, source.slot), source.basePage];
    case 'base':
      return [page, source.page];
  }
}

interface Expected {
  pageCount: number;
  hasBase: boolean;
  /** Offset of the first frame. */
  framesAt: number;
  tailAt: number;
  indexAt: number;
}

/**
 * Decodes and checks an index. Frames stand end to end, so they cannot overlap, and no frame refers
 * to another.
 * @throws HoldfastError `bad-state-file`
 */
export function decodeIndex(raw: Uint8Array<ArrayBuffer>, expected: Expected): StateIndex {
  const bad = () => badState('The index of this state file is invalid.');
  if (raw.length < countsBytes) throw bad();
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const { pageCount, hasBase } = expected;
  const [frameCount = 0, contents = 0, uniform = 0, differences = 0, base = 0] = [
    0, 4, 8, 12, 16,
  ].map((at) => view.getUint32(at, true));
  const words = contents * 2 + uniform * 2 + differences * 3 + base * 2;
  const isSound =
    contents + uniform + differences + base <= pageCount &&
    (hasBase || differences + base === 0) &&
    raw.length === countsBytes + frameCount * frameHeaderBytes + words * 4;
  if (!isSound) throw bad();
  const frames = framesOf(raw.subarray(countsBytes), frameCount, expected);
  const sources = new PageSources(pageCount, hasBase);
  const seen = new Uint8Array(pageCount);
  let at = countsBytes + frameCount * frameHeaderBytes;

  /** Reads the rows of a list. */
  const take = (count: number, kind: PageSource['kind'], row: (values: number[]) => PageSource) => {
    const before = codings[kind].map(() => 0);
    for (let i = 0; i < count; i++) {
      let page = 0;
      for (const [column, coding] of codings[kind].entries()) {
        const word = view.getUint32(at + (column * count + i) * 4, true);
        // The inverse of a coding adds what the coding takes away.
        const value = (word - coding(0, before[column] ?? 0, page)) >>> 0;
        if (column === 0) {
          page = value;
          if (i > 0 && page <= (before[0] ?? 0)) throw bad();
          if (page >= pageCount || seen[page]) throw bad();
          seen[page] = 1;
        }
        before[column] = value;
      }
      sources.set(page, row(before));
    }
    at += codings[kind].length * count * 4;
  };
  const placed = (place = 0) => {
    const [frame, slot] = [frameOf(place), slotOf(place)];
    const header = frames[frame];
    const isPack = header?.kind === frameKind.pages || header?.kind === frameKind.hotPages;
    if (!isPack || (slot + 1) * pageBytes > header.rawBytes) throw bad();
    return { frame, slot };
  };
  const ofBase = (page = 0) => {
    if (page >= pageCount) throw bad();
    return page;
  };
  take(contents, 'contents', ([, place]) => ({ kind: 'contents', ...placed(place) }));
  take(uniform, 'uniform', ([, word = 0]) => ({ kind: 'uniform', word }));
  take(differences, 'difference', ([, place, basePage]) => ({
    kind: 'difference',
    ...placed(place),
    basePage: ofBase(basePage),
  }));
  take(base, 'base', ([, page]) => ({ kind: 'base', page: ofBase(page) }));
  return { frames, sources };
}

function framesOf(
  headers: Uint8Array<ArrayBuffer>,
  count: number,
  { framesAt, tailAt, indexAt }: Expected,
): IndexedFrame[] {
  const order = new FrameOrder();
  const frames: IndexedFrame[] = [];
  let offset = framesAt;
  let tail: number | undefined;
  for (let i = 0; i < count; i++) {
    const bytes = headers.slice(i * frameHeaderBytes, (i + 1) * frameHeaderBytes);
    const header = decodeFrameHeader(bytes, 2);
    order.next(header.kind);
    if (header.kind === frameKind.hotPages || header.kind === frameKind.cut) tail ??= offset;
    frames.push({ ...header, offset });
    offset += frameHeaderBytes + header.storedBytes;
  }
  order.next(frameKind.index);
  if (offset !== indexAt || tail !== tailAt)
    throw badState('The index of this state file has frames that are not where it says.');
  return frames;
}
