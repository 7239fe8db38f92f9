/** Measures how fast memory is scanned for changes. */

import { GuestPages } from '../../../src/keeper/checkpoint/guest-pages.ts';
import { PageScanner, pageIndexBytes } from '../../../src/keeper/checkpoint/page-scan.ts';
import { pageBytes } from '../../../src/protocol/page-bytes.ts';

const sizeBytes = 256 * 1024 * 1024;
const indexAddress = 0x10000 + sizeBytes;

/** @returns GB/s, the best of some rounds, so that other work of the computer does not count. */
export function scanGBps(): number {
  const wasmPages = Math.ceil((indexAddress + pageIndexBytes(sizeBytes / pageBytes)) / 65536);
  const memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
  const words = new Uint32Array(memory.buffer, 0x10000, sizeBytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = i * 0x9e3779b1;
  const pages = new GuestPages([{ name: 'pc.ram', address: 0x10000, sizeBytes }]);
  const scanner = new PageScanner(memory, { address: indexAddress }, pages);
  scanner.forgetAll();
  let best = 0;
  for (let round = 0; round < 8; round++) {
    const beganMs = performance.now();
    for (const range of pages.ranges) {
      scanner.markRange(range);
      for (let page = 0; page < range.count; )
        page = scanner.scan(range, page, 1024, () => undefined).next;
    }
    // The first round finds every page changed; the others measure the cost of an idle guest.
    if (round > 0) best = Math.max(best, sizeBytes / 1e6 / (performance.now() - beganMs));
  }
  return best;
}
