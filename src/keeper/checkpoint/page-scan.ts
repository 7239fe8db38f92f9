/**
 * Finds the pages of guest memory that changed since the last scan. It stores a hash of each page
 * next to the guest's memory, because WebAssembly code reaches only one memory. See page-scan.wat.
 */

import type { RamBlock } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { GuestPages, PageRange } from './guest-pages.ts';
import { pageScanWasm } from './page-scan-wasm.ts';

/** Pending work for a page; 0: none. */
export const pageState = {
  /** May have changed: compare its hash. */
  candidate: 1,
  /** Write it without a look at its hash. */
  forced: 2,
} as const;

const hashBytes = 16;
const entryWords = 3;
/** Largest number of pages in one {@link PageScanner.scan}. */
const maximumScan = 1024;
/** Layout of the block: results of a scan, user, a page for hashing a constant, states, hashes. */
const offsets = { found: 0, user: 0x3ffc, constantPage: 0x4000, states: 0x5000 } as const;

const align16 = (value: number) => (value + 15) & ~15;

/** Returns the size of the index block for this many guest pages. */
export function pageIndexBytes(pages: number): number {
  return offsets.states + align16(pages) + pages * hashBytes;
}

interface PageScanExports {
  hash(page: number, out: number): void;
  fill(from: number, to: number, count: number): void;
  merge(states: number, marks: number, count: number): void;
  scan(
    base: number,
    states: number,
    hashes: number,
    first: number,
    end: number,
    limit: number,
    out: number,
  ): number;
}

interface ScanResult {
  /** Page of the range to continue at; the range's end after the last page. */
  next: number;
  /** Pages whose hash was computed. */
  looked: number;
}

type FoundPage = (page: number, address: number, uniformWord: number | undefined) => void;

let compiled: WebAssembly.Module | undefined;

export class PageScanner {
  readonly #ops: PageScanExports;
  readonly #pages: GuestPages;
  readonly #found: Uint32Array;
  readonly #states: Uint8Array;
  readonly #hashes: Uint32Array;
  readonly #index: number;
  /** Counts the scanners that started again in this block. */
  readonly #user: Uint32Array;
  #own: number;

  /**
   * `index`: a block of {@link pageIndexBytes} in the same memory. Successive scanners use it and
   * store their data there. In a new block, {@link forgetAll} comes first.
   */
  constructor(memory: WebAssembly.Memory, index: Pick<RamBlock, 'address'>, pages: GuestPages) {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(pageScanWasm), (char) => char.charCodeAt(0)),
    );
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.#ops = instance.exports as unknown as PageScanExports;
    this.#pages = pages;
    this.#index = index.address;
    const { buffer } = memory;
    this.#user = new Uint32Array(buffer, index.address + offsets.user, 1);
    this.#own = this.#user[0] ?? 0;
    this.#found = new Uint32Array(buffer, index.address, 2 + entryWords * maximumScan);
    this.#states = new Uint8Array(buffer, this.#statesAddress, pages.count);
    this.#hashes = new Uint32Array(buffer, this.#hashesAddress, (pages.count * hashBytes) / 4);
  }

  get #statesAddress(): number {
    return this.#index + offsets.states;
  }

  get #hashesAddress(): number {
    return this.#statesAddress + align16(this.#pages.count);
  }

  /** Sets the known contents of every page to zeros and removes all candidates. */
  forgetAll(): void {
    this.#own = (this.#user[0] ?? 0) + 1;
    this.#user[0] = this.#own;
    this.#states.fill(0);
    const zero = this.#index + offsets.constantPage;
    new Uint8Array(this.#states.buffer, zero, pageBytes).fill(0);
    this.#ops.hash(zero, this.#hashesAddress);
    this.#ops.fill(this.#hashesAddress, this.#hashesAddress, this.#pages.count);
  }

  /** True if no other scanner has started again in the block. Otherwise its data is not ours. */
  get isCurrent(): boolean {
    return this.#user[0] === this.#own;
  }

  /** Records the page's present contents as known. */
  remember(page: number, address: number): void {
    this.#ops.hash(address, this.#hashesAddress + page * hashBytes);
  }

  mark(page: number, state: number): void {
    this.#states[page] = (this.#states[page] ?? 0) | state;
  }

  markRange({ first, count }: PageRange): void {
    const states = this.#states.subarray(first, first + count);
    for (let i = 0; i < count; i++) states[i] = (states[i] ?? 0) | pageState.candidate;
  }

  /** Makes candidates of a range's pages whose byte at `marks` (an address) is not 0. */
  markMapped({ first, count }: PageRange, marks: number): void {
    const whole = count & ~15;
    this.#ops.merge(this.#statesAddress + first, marks, whole);
    const rest = new Uint8Array(this.#states.buffer, marks + whole, count - whole);
    for (const [i, mark] of rest.entries())
      if (mark) this.mark(first + whole + i, pageState.candidate);
  }

  /** A number that pages of the same contents share. */
  hashOf(page: number): number {
    const at = page * (hashBytes / 4);
    return (this.#hashes[at] ?? 0) + ((this.#hashes[at + 1] ?? 0) & 0x1f_ffff) * 2 ** 32;
  }

  /**
   * Scans up to `limit` candidates of a range from page `from` on and clears their state. Calls
   * `found` for each page that has changed or was forced.
   */
  scan(range: PageRange, from: number, limit: number, found: FoundPage): ScanResult {
    const base = range.address - range.first * pageBytes;
    const next = this.#ops.scan(
      base,
      this.#statesAddress,
      this.#hashesAddress,
      from,
      range.first + range.count,
      Math.min(limit, maximumScan),
      this.#index + offsets.found,
    );
    const entries = this.#found;
    const count = entries[0] ?? 0;
    for (let i = 0; i < count; i++) {
      const at = 2 + i * entryWords;
      const page = entries[at] ?? 0;
      const word = entries[at + 1] ? entries[at + 2] : undefined;
      found(page, base + page * pageBytes, word);
    }
    return { next: next >>> 0, looked: entries[1] ?? 0 };
  }
}
