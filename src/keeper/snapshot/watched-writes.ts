/**
 * The notes of what the guest writes have one reader who clears them, the checkpointer. Snapshots
 * read them too, at other times: what is about to be cleared is told to them first.
 */
import type { WriteTracking } from '../../protocol/abi.ts';

export class WatchedWrites implements WriteTracking {
  readonly #writes: WriteTracking;
  readonly #notes: Uint8Array;
  /** What was noted, and cleared since, from the last {@link take} on. */
  readonly #cleared: Uint8Array;

  constructor(writes: WriteTracking, memory: WebAssembly.Memory) {
    this.#writes = writes;
    const { address, pages } = writes.map;
    this.#notes = new Uint8Array(memory.buffer, address, pages);
    this.#cleared = new Uint8Array(pages);
  }

  get map() {
    return this.#writes.map;
  }

  collect(): void {
    this.#writes.collect();
  }

  reset(): void {
    this.#remember();
    this.#writes.reset();
  }

  /** The pages that may have been written since the last call, a byte a page. The guest stands still. */
  take(): Uint8Array {
    this.#writes.collect();
    this.#remember();
    const taken = this.#cleared.slice();
    this.#cleared.fill(0);
    this.#writes.reset();
    return taken;
  }

  #remember(): void {
    const notes = this.#notes;
    for (let page = 0; page < notes.length; page++) if (notes[page]) this.#cleared[page] = 1;
  }
}
