import type { RuntimeHost } from '../../protocol/abi.ts';
import { blockOf, pageStore } from '../core/blocks.ts';
import type { PageOps } from '../core/page-ops.ts';
import type { V86Core } from '../core/v86-core.ts';

/** A runtime's own pages, set aside while another runtime has the guest. */
export class ParkedPages {
  readonly #host: RuntimeHost;
  readonly #core: V86Core;
  readonly #ops: PageOps;
  #count = 0;

  constructor(host: RuntimeHost, core: V86Core, ops: PageOps) {
    this.#host = host;
    this.#core = core;
    this.#ops = ops;
  }

  /** Moves the pages aside and leaves zeros. */
  park(): void {
    const ops = this.#ops;
    const { list, pages } = pageStore(blockOf(this.#host, 'runtime.parked'));
    // Zeroes the TLB's four MiB, so that they need not be moved; the CPU refills it.
    this.#core.cpu.full_clear_tlb();
    const count = ops.findNonzero(this.#core.ownRanges, list);
    ops.gather(list, count, pages);
    ops.clear(list, count);
    this.#count = count;
  }

  /** Restores the pages in place of another runtime's data. */
  unpark(): void {
    const ops = this.#ops;
    const { list, pages } = pageStore(blockOf(this.#host, 'runtime.parked'));
    // All writes of the other runtime, in its arena and in the slack around RAM blocks.
    const incoming = pageStore(blockOf(this.#host, 'runtime.incoming'));
    const everything = [{ start: 0, end: this.#host.runtimeBytes }, ...this.#core.ownRanges];
    ops.clear(incoming.list, ops.findNonzero(everything, incoming.list));
    ops.scatter(list, this.#count, pages);
  }
}
