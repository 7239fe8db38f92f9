import { expect, it } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { GuestPages } from './guest-pages.ts';
import { PageScanner, pageIndexBytes, pageState } from './page-scan.ts';

const pageCount = 40;
const ramAddress = 0x10000;
const indexAddress = 0x40000;

function lab() {
  const pages = new GuestPages([
    { name: 'pc.ram', address: ramAddress, sizeBytes: 21 * pageBytes },
    { name: 'vga.vram', address: ramAddress + 22 * pageBytes, sizeBytes: 19 * pageBytes },
  ]);
  const wasmPages = (indexAddress + 0x10000 + pageIndexBytes(pageCount)) >> 16;
  const memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
  const scanner = new PageScanner(memory, { address: indexAddress }, pages);
  scanner.forgetAll();
  const bytes = new Uint8Array(memory.buffer);
  const scan = () => {
    const found: [page: number, word: number | undefined][] = [];
    for (const range of pages.ranges) {
      for (let page = range.first; page < range.first + range.count; )
        page = scanner.scan(range, page, 7, (at, address, word) => {
          expect(address).toBe(pages.addressOf(at));
          found.push([at, word]);
        }).next;
    }
    return found;
  };
  return { pages, scanner, bytes, scan };
}

it('only candidates are looked at, and only those that changed or are forced are found', () => {
  const { pages, scanner, bytes, scan } = lab();
  for (const page of [0, 5, 20, 21, 39]) bytes[pages.addressOf(page)] = 1;
  expect(scan()).toEqual([]);
  for (const page of [0, 1, 20, 39]) scanner.mark(page, pageState.candidate);
  scanner.mark(30, pageState.forced);
  expect(scan()).toEqual([
    [0, undefined],
    [20, undefined],
    [30, 0],
    [39, undefined],
  ]);
  expect(scan()).toEqual([]);
  for (const range of pages.ranges) scanner.markRange(range);
  expect(scan()).toEqual([
    [5, undefined],
    [21, undefined],
  ]);
});

it('pages of one repeated word are recognised', () => {
  const { pages, scanner, bytes, scan } = lab();
  const words = new Uint32Array(bytes.buffer);
  const fill = (page: number, word: number) => {
    const at = pages.addressOf(page) / 4;
    words.fill(word, at, at + pageBytes / 4);
  };
  fill(3, 0xdeadbeef);
  fill(4, 0xdeadbeef);
  words[pages.addressOf(4) / 4 + 1023] = 0xdeadbeee;
  for (const range of pages.ranges) scanner.markRange(range);
  expect(scan()).toEqual([
    [3, 0xdeadbeef],
    [4, undefined],
  ]);
});

it('marks of a write tracking map make candidates of exactly its pages', () => {
  const { pages, scanner, bytes, scan } = lab();
  const marks = bytes.length - 64;
  for (const page of [0, 15, 16, 20]) {
    bytes[marks + page] = 0x80;
    bytes[pages.addressOf(page)] = 1;
  }
  bytes[pages.addressOf(7)] = 1;
  scanner.markMapped(pages.ranges[0] ?? { name: '', address: 0, first: 0, count: 0 }, marks);
  expect(scan().map(([page]) => page)).toEqual([0, 15, 16, 20]);
});

it('a changed bit, two changed sign bits, swapped words and swapped stripes change the hash', () => {
  const { pages, scanner, bytes } = lab();
  const at = pages.addressOf(0);
  const page = bytes.subarray(at, at + pageBytes);
  for (const [i] of page.entries()) page[i] = (i * 31) ^ (i >> 5);
  const seen = new Set<number>();
  let versions = 0;
  const note = () => {
    scanner.remember(0, at);
    seen.add(scanner.hashOf(0));
    versions++;
  };
  const flip = (bit: number) => {
    page[bit >> 3] = (page[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  };
  note();
  for (let bit = 0; bit < pageBytes * 8; bit++) {
    flip(bit);
    note();
    flip(bit);
  }
  for (let word = 0; word < 1023; word++) {
    for (const distance of [1, 2, 16, 256]) {
      if (word + distance > 1023) continue;
      flip(word * 32 + 31);
      flip((word + distance) * 32 + 31);
      note();
      flip(word * 32 + 31);
      flip((word + distance) * 32 + 31);
    }
  }
  const swap = (a: number, b: number, length: number) => {
    const first = page.slice(a, a + length);
    page.copyWithin(a, b, b + length);
    page.set(first, b);
  };
  for (const length of [4, 8, 16, 64, 1024]) {
    for (let start = 0; start + 2 * length <= pageBytes; start += length) {
      swap(start, start + length, length);
      note();
      swap(start, start + length, length);
    }
  }
  expect(seen.size).toBe(versions);
});
