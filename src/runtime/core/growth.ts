/**
 * Places the pages that v86's allocator requests.
 *
 * Small requests extend an arena in the runtime's part of the memory. A request during
 * {@link Growth.during} gets the region of the named RAM block. So guest RAM keeps its place and
 * its contents.
 */
import { HoldfastError } from '../../errors.ts';
import type { RamBlock } from '../../protocol/abi.ts';
import type { Range } from './page-ops.ts';

const wasmPage = 65536;
/** `memory.grow` returns -1 when no more memory is available. */
const refused = -1;

export class Growth {
  #nextPage: number;
  readonly #limitPage: number;
  #block: RamBlock | undefined;
  #blockPages = 0;
  #answer = refused;

  /** `staticBytes`: the module's own first pages. `limitBytes`: end of the runtime's part. */
  constructor(staticBytes: number, limitBytes: number) {
    this.#nextPage = staticBytes / wasmPage;
    this.#limitPage = limitBytes / wasmPage;
  }

  /** The used part of the runtime's memory. */
  get used(): Range {
    return { start: 0, end: this.#nextPage * wasmPage };
  }

  /** Handles a request for `pages`; the memory never really grows. */
  readonly before = (_site: number, pages: number): number => {
    if (pages === 0) {
      this.#answer = this.#nextPage;
    } else if (this.#block) {
      this.#answer = this.#grantBlock(pages);
    } else if (this.#nextPage + pages <= this.#limitPage) {
      this.#answer = this.#nextPage;
      this.#nextPage += pages;
    } else {
      this.#answer = refused;
    }
    return 0;
  };

  readonly after = (): number => this.#answer;

  #grantBlock(pages: number): number {
    const block = this.#block as RamBlock;
    if (this.#blockPages + pages > block.sizeBytes / wasmPage) return refused;
    const page = block.address / wasmPage + this.#blockPages;
    this.#blockPages += pages;
    return page;
  }

  /**
   * Runs an allocation whose memory must come from `block`.
   * @returns the allocation's address, and the parts of the block's region around it that the
   * allocator may use for itself.
   */
  during(block: RamBlock, sizeBytes: number, allocate: () => number): BlockPlacement {
    this.#block = block;
    this.#blockPages = 0;
    try {
      const address = allocate() >>> 0;
      const end = block.address + this.#blockPages * wasmPage;
      if (address < block.address || address + sizeBytes > end)
        throw new HoldfastError(
          'runtime-incompatible',
          `v86 did not take "${block.name}" from where Holdfast keeps it.`,
        );
      return {
        address,
        sizeBytes,
        slack: [
          { start: block.address, end: address },
          { start: address + sizeBytes, end },
        ],
      };
    } finally {
      this.#block = undefined;
    }
  }
}

export interface BlockPlacement {
  address: number;
  sizeBytes: number;
  slack: Range[];
}
