/** The number of pages that a guest may have written since its write map was cleared. */
import type { WriteTracking } from '../../protocol/abi.ts';

/** Counts the marked pages. Most are not marked, so it checks four at a time. */
export function writtenPages(
  { map: { address, pages } }: WriteTracking,
  { buffer }: WebAssembly.Memory,
): number {
  const words = new Uint32Array(buffer, address, pages >> 2);
  const notes = new Uint8Array(buffer, address, pages);
  let count = 0;
  const add = (from: number, to: number) => {
    for (let page = from; page < to; page++) if (notes[page] !== 0) count++;
  };
  for (let word = 0; word < words.length; word++)
    if (words[word] !== 0) add(word * 4, word * 4 + 4);
  add(words.length * 4, pages);
  return count;
}
