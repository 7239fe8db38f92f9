import type { RamBlock } from '../../protocol/abi.ts';
import { presentBlock } from '../../protocol/lazy-ram.ts';
import { blockNamed } from '../checkpoint/checkpoint-source.ts';

interface MapPlace {
  memory: WebAssembly.Memory;
  blocks: readonly RamBlock[];
  config: { memoryMiB: number };
}

/** The present pages of guest RAM, one byte a page, in a RAM block: see src/protocol/lazy-ram.ts. */
export class PresentMap {
  readonly address: number;
  readonly pages: number;
  readonly #marks: Uint8Array;

  constructor({ memory, blocks, config }: MapPlace) {
    this.address = blockNamed(blocks, presentBlock).address;
    this.pages = config.memoryMiB * 256;
    this.#marks = new Uint8Array(memory.buffer, this.address, this.pages);
  }

  /** Makes these pages absent, and all others present. */
  setAbsent(pages: Iterable<number>): void {
    this.#marks.fill(1);
    for (const page of pages) this.#marks[page] = 0;
  }

  isAbsent(page: number): boolean {
    return this.#marks[page] === 0;
  }

  arrived(page: number): void {
    this.#marks[page] = 1;
  }

  /** Returns true if any page from `first` on is absent, as far as `count` goes. */
  hasAbsent(first = 0, count = this.pages - first): boolean {
    return this.#marks.subarray(first, first + count).includes(0);
  }

  /** Returns one bit a page, the lowest first: 1 for an absent one. */
  absentBits(): Uint8Array<ArrayBuffer> {
    const bits = new Uint8Array(Math.ceil(this.pages / 8));
    for (const [page, mark] of this.#marks.entries())
      if (mark === 0) bits[page >> 3] = (bits[page >> 3] ?? 0) | (1 << (page & 7));
    return bits;
  }
}

/** Reverses {@link PresentMap.absentBits}. */
export function* pagesOfBits(bits: Uint8Array): Generator<number> {
  for (const [at, byte] of bits.entries())
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) yield at * 8 + bit;
}
