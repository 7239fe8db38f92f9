/** A copy of the guest's memory, to be restored page by page. */

import type { RamBlock } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import { GuestPages } from '../checkpoint/guest-pages.ts';

const pageWords = pageBytes / 4;
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
  readonly #words: Uint32Array;
  /** By page: {@link zero}, or 1 more than the number of its copy. */
  readonly #copies: Uint32Array;
  readonly #slabs: Uint8Array[] = [];
  #count = 0;

  /** Copies the pages of `blocks` that are not zero. The guest is stopped. */
  constructor(memory: WebAssembly.Memory, blocks: readonly RamBlock[]) {
    this.pages = new GuestPages(blocks);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#copies = new Uint32Array(this.pages.count);
    for (const { address, first, count } of this.pages.ranges) {
      for (let i = 0; i < count; i++) {
        const from = address + i * pageBytes;
        if (!this.#isZero(from)) this.#copies[first + i] = this.#copy(from);
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
    for (const { name, address, first, count } of this.pages.ranges) {
      const marks = changed.get(name);
      for (let i = 0; i < count; i++) {
        if (marks && !marks[i]) continue;
        const written = this.#putPage(first + i, address + i * pageBytes);
        if (written && name === 'pc.ram') ram.push(i);
      }
    }
    return ram;
  }

  #putPage(page: number, address: number): boolean {
    const copy = this.#copies[page] ?? zero;
    if (copy !== zero) {
      this.#bytes.set(this.#at(copy - 1), address);
      return true;
    }
    // Untouched memory costs nothing until the first write to it.
    if (this.#isZero(address)) return false;
    this.#bytes.fill(0, address, address + pageBytes);
    return true;
  }

  #isZero(address: number): boolean {
    const words = this.#words;
    const end = address / 4 + pageWords;
    for (let at = address / 4; at < end; at++) if (words[at]) return false;
    return true;
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
