/**
 * Write tracking for two readers at independent times: the checkpointer and snapshots. Marks that
 * one of them clears are kept for the other.
 */
import type { WriteTracking } from '../../protocol/abi.ts';

export class WatchedWrites implements WriteTracking {
  readonly #writes: WriteTracking;
  readonly #notes: Uint8Array;
  /** Marks that were cleared since the last {@link take}. */
  readonly #cleared: Uint8Array;
  /** Marks that {@link take} has cleared and the caller of {@link collect} has not seen. */
  readonly #unseen: Uint8Array;

  constructor(writes: WriteTracking, memory: WebAssembly.Memory) {
    this.#writes = writes;
    const { address, pages } = writes.map;
    this.#notes = new Uint8Array(memory.buffer, address, pages);
    this.#cleared = new Uint8Array(pages);
    this.#unseen = new Uint8Array(pages);
  }

  get map() {
    return this.#writes.map;
  }

  collect(): void {
    this.#writes.collect();
    addTo(this.#notes, this.#unseen);
    this.#unseen.fill(0);
  }

  reset(): void {
    addTo(this.#cleared, this.#notes);
    this.#writes.reset();
  }

  /**
   * Returns the pages that may have been written since the last call, one byte a page. The guest is
   * stopped.
   */
  take(): Uint8Array {
    this.#writes.collect();
    addTo(this.#cleared, this.#notes);
    addTo(this.#unseen, this.#notes);
    const taken = this.#cleared.slice();
    this.#cleared.fill(0);
    this.#writes.reset();
    return taken;
  }
}

function addTo(marks: Uint8Array, others: Uint8Array): void {
  for (let page = 0; page < others.length; page++) if (others[page]) marks[page] = 1;
}
