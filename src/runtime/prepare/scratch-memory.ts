/** The memory in which a runtime is prepared. */
import type { RuntimeHost } from '../../protocol/abi.ts';
import { blockOf, type PageStore } from '../core/blocks.ts';
import { PageOps, type Range } from '../core/page-ops.ts';
import type { V86Core } from '../core/v86-core.ts';

export interface GuestPages {
  address: number;
  bytes: Uint8Array;
}

/** Scratch memory, which is zeroed after each use. */
export class ScratchMemory {
  readonly #host: RuntimeHost;
  readonly #ops: PageOps;
  /** Address of lists within scratch memory, beyond everything a core touches. */
  readonly #list: number;

  constructor(host: RuntimeHost) {
    this.#host = host;
    this.#ops = new PageOps(host.scratch);
    this.#list = blockOf(host, 'vga.planes').address;
  }

  #addresses(ranges: readonly Range[]): Uint32Array {
    // A list fits one block of planes: 65,536 pages. Guest RAM is read in parts.
    const count = this.#ops.findNonzero(ranges, this.#list);
    return new Uint32Array(this.#host.scratch.buffer, this.#list, count).slice();
  }

  /** Copies the pages in `ranges` to the guest's memory at `to`; returns the page count. */
  moveOut(ranges: readonly Range[], to: PageStore): number {
    const from = new Uint8Array(this.#host.scratch.buffer);
    const target = new Uint8Array(this.#host.memory.buffer);
    const addresses = this.#addresses(ranges);
    new Uint32Array(this.#host.memory.buffer, to.list, addresses.length).set(addresses);
    for (const [i, address] of addresses.entries())
      target.set(from.subarray(address, address + 4096), to.pages + i * 4096);
    return addresses.length;
  }

  copyGuest(ranges: readonly Range[]): GuestPages[] {
    const from = new Uint8Array(this.#host.scratch.buffer);
    return ranges.map(({ start, end }) => ({ address: start, bytes: from.slice(start, end) }));
  }

  /** Zeroes the core's own part, the first MiB of its RAM, and `ranges`. */
  clean(core: V86Core, more: readonly Range[]): void {
    const lowRam = { start: core.ramAddress, end: core.ramAddress + (1 << 20) };
    const ranges = [...core.ownRanges, lowRam, ...more];
    this.#zero(ranges);
  }

  /** Zeroes everything that an abandoned core has left. */
  wipe(): void {
    this.#zero([{ start: 0, end: this.#list }]);
  }

  #zero(ranges: readonly Range[]): void {
    const count = this.#ops.findNonzero(ranges, this.#list);
    this.#ops.clear(this.#list, count);
    new Uint8Array(this.#host.scratch.buffer, this.#list, count * 4).fill(0);
  }
}
