import type { RuntimeHost } from '../../protocol/abi.ts';
import { blockOf, pageStore } from '../shell/blocks.ts';
import type { PageOps } from '../shell/page-ops.ts';
import type { Shell } from '../shell/shell.ts';

/** A runtime's own pages, set aside while another runtime has the guest. */
export class ParkedPages {
  readonly #host: RuntimeHost;
  readonly #shell: Shell;
  readonly #ops: PageOps;
  #count = 0;

  constructor(host: RuntimeHost, shell: Shell, ops: PageOps) {
    this.#host = host;
    this.#shell = shell;
    this.#ops = ops;
  }

  /** Moves them aside and leaves zeros. */
  park(): void {
    const ops = this.#ops;
    const { list, pages } = pageStore(blockOf(this.#host, 'runtime.parked'));
    // Leaves the TLB's four MiB zero, so that they need not be moved; the CPU refills it.
    this.#shell.cpu.full_clear_tlb();
    const count = ops.findNonzero(this.#shell.ownRanges, list);
    ops.gather(list, count, pages);
    ops.clear(list, count);
    this.#count = count;
  }

  /** Puts them back in place of whatever another runtime left there. */
  unpark(): void {
    const ops = this.#ops;
    const { list, pages } = pageStore(blockOf(this.#host, 'runtime.parked'));
    // Whatever the other runtime wrote, in its arena as in the slack around RAM blocks.
    const incoming = pageStore(blockOf(this.#host, 'runtime.incoming'));
    const everything = [{ start: 0, end: this.#host.runtimeBytes }, ...this.#shell.ownRanges];
    ops.clear(incoming.list, ops.findNonzero(everything, incoming.list));
    ops.scatter(list, this.#count, pages);
  }
}
