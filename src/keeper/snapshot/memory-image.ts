/** A copy of the guest's memory, to be restored page by page. */

import type { RamBlock } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { GuestPages, type PageRange } from '../checkpoint/guest-pages.ts';
import { ZeroScan } from './zero-scan.ts';

const slabPages = 256;
/** No copy: the page is zero. */
const zero = 0;

/**
 * Pages of a RAM block that may differ from the copy: one byte a page, by page within the block.
 */
export type ChangedPages = ReadonlyMap<string, Uint8Array>;

export class MemoryImage {
  readonly pages: GuestPages;
  readonly #bytes: Uint8Array;
  readonly #zeros: ZeroScan;
  /** By page: {@link zero}, or 1 more than the number of its copy. */
  readonly #copies: Uint32Array;
  readonly #slabs: Uint8Array[] = [];
  #count = 0;

  /** Copies the pages of `blocks` that are not zero. The guest is stopped. */
  constructor(memory: WebAssembly.Memory, blocks: readonly RamBlock[]) {
    this.pages = new GuestPages(blocks);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#zeros = new ZeroScan(memory);
    this.#copies = new Uint32Array(this.pages.count);
    for (const { address, first, count } of this.pages.ranges) {
      let page = 0;
      for (;;) {
        page += this.#zeros.zeroPages(address + page * pageBytes, count - page);
        if (page === count) break;
        this.#copies[first + page] = this.#copy(address + page * pageBytes);
        page++;
      }
    }
  }

  get sizeBytes(): number {
    return this.#count * pageBytes;
  }

  /**
   * Restores the copy where memory may differ from it. Blocks that `changed` does not list are
   * restored everywhere.
   * @returns the pages of `pc.ram` that were written, by guest-physical page number, ascending
   */
  restore(changed: ChangedPages): number[] {
    const ram: number[] = [];
    for (const range of this.pages.ranges) {
      const marks = changed.get(range.name);
      const written = range.name === 'pc.ram' ? ram : [];
      let page = 0;
      while (page < range.count) {
        if (marks && !marks[page]) page++;
        else if (this.#copies[range.first + page] === zero)
          page = this.#clear(range, page, marks, written);
        else this.#putCopy(range, page++, written);
      }
    }
    return ram;
  }

  #putCopy({ address, first }: PageRange, page: number, written: number[]): void {
    this.#bytes.set(this.#at((this.#copies[first + page] ?? 0) - 1), address + page * pageBytes);
    written.push(page);
  }

  /**
   * Clears `from` and the pages after it that may have changed and were zero.
   * @returns the page to continue at
   */
  #clear(
    { address, first, count }: PageRange,
    from: number,
    marks: Uint8Array | undefined,
    written: number[],
  ): number {
    let end = from + 1;
    while (end < count && this.#copies[first + end] === zero && (!marks || marks[end])) end++;
    for (let page = from; page < end; page++) {
      // Untouched memory costs nothing until the first write to it.
      page += this.#zeros.zeroPages(address + page * pageBytes, end - page);
      if (page === end) break;
      this.#bytes.fill(0, address + page * pageBytes, address + (page + 1) * pageBytes);
      written.push(page);
    }
    return end;
  }

  #copy(address: number): number {
    const number = this.#count++;
    if (number % slabPages === 0) this.#slabs.push(new Uint8Array(slabPages * pageBytes));
    this.#at(number).set(this.#bytes.subarray(address, address + pageBytes));
    return number + 1;
  }

  #at(number: number): Uint8Array {
    const start = (number % slabPages) * pageBytes;
    const slab = this.#slabs[Math.floor(number / slabPages)] as Uint8Array;
    return slab.subarray(start, start + pageBytes);
  }
}
