import { expect, test } from 'vitest';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { ZeroScan } from './zero-scan.ts';

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
const bytes = new Uint8Array(memory.buffer);
const scan = new ZeroScan(memory);
const pages = bytes.length / pageBytes;

test('the zero pages before the first other one are counted, at any byte of it', () => {
  expect(scan.zeroPages(0, pages)).toBe(pages);
  for (const at of [0, 1, 17, 63, 64, 4000, pageBytes - 1])
    for (const page of [0, 1, 5, pages - 1]) {
      bytes[page * pageBytes + at] = 1;
      expect(scan.zeroPages(0, pages)).toBe(page);
      expect(scan.zeroPages(page * pageBytes, 1)).toBe(0);
      // The range ends before it.
      expect(scan.zeroPages(0, page)).toBe(page);
      bytes[page * pageBytes + at] = 0;
    }
});

test('no pages are none', () => expect(scan.zeroPages(pageBytes, 0)).toBe(0));
