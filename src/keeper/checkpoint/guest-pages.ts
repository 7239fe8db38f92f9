/** The guest's memory as one sequence of pages, across its RAM blocks. */

import type { RamBlock } from '../../protocol/abi.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';

/** A RAM block's pages in the sequence: the first one's number, and their count. */
export interface PageRange {
  name: string;
  address: number;
  first: number;
  count: number;
}

export class GuestPages {
  readonly ranges: readonly PageRange[];
  readonly count: number;

  /**
   * `blocks`: the parts of each RAM block that belong to the guest; addresses and sizes are
   * multiples of 4 KiB.
   */
  constructor(blocks: readonly RamBlock[]) {
    let first = 0;
    this.ranges = blocks.map(({ name, address, sizeBytes }) => {
      const range = { name, address, first, count: sizeBytes / pageBytes };
      first += range.count;
      return range;
    });
    this.count = first;
  }

  addressOf(page: number): number {
    for (const { address, first, count } of this.ranges) {
      if (page >= first && page < first + count) return address + (page - first) * pageBytes;
    }
    throw new RangeError(`The guest has no page ${page}.`);
  }
}
