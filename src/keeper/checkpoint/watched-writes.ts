/**
 * Write tracking for readers at independent times: the checkpointer, snapshots and a migration.
 * Marks that one of them clears are kept for the others.
 */
import type { WriteTracking } from '../../protocol/abi.ts';

export class WatchedWrites implements WriteTracking {
  readonly #memory: WebAssembly.Memory;
  /** Marks of {@link reader}s that have not seen them. */
  readonly #readers = new Set<Uint8Array>();
  readonly #writes: WriteTracking;
  readonly #notes: Uint8Array;
  /** Marks that were cleared since the last {@link take}. */
  readonly #cleared: Uint8Array;
  /** Marks that {@link take} has cleared and the caller of {@link collect} has not seen. */
  readonly #unseen: Uint8Array;

  constructor(writes: WriteTracking, memory: WebAssembly.Memory) {
    this.#writes = writes;
    this.#memory = memory;
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
    for (const marks of this.#readers) addTo(marks, this.#notes);
    this.#writes.reset();
  }

  /**
   * Adds a reader with a map of its own at `address`, of as many bytes as there are pages. Every page
   * counts as written at first.
   * @returns `end`: removes it
   */
  reader(address: number): { writes: WriteTracking; end: () => void } {
    const { pages } = this.map;
    const own = new Uint8Array(this.#memory.buffer, address, pages).fill(1);
    this.#readers.add(own);
    const writes: WriteTracking = {
      map: { address, pages },
      collect: () => {
        this.#writes.collect();
        addTo(own, this.#notes);
      },
      reset: () => {
        for (const marks of this.#readers) if (marks !== own) addTo(marks, this.#notes);
        addTo(this.#cleared, this.#notes);
        addTo(this.#unseen, this.#notes);
        this.#writes.reset();
        own.fill(0);
      },
    };
    return { writes, end: () => void this.#readers.delete(own) };
  }

  /**
   * Returns the pages that may have been written since the last call, one byte a page. The guest is
   * stopped.
   */
  take(): Uint8Array {
    this.#writes.collect();
    addTo(this.#cleared, this.#notes);
    addTo(this.#unseen, this.#notes);
    for (const marks of this.#readers) addTo(marks, this.#notes);
    const taken = this.#cleared.slice();
    this.#cleared.fill(0);
    this.#writes.reset();
    return taken;
  }
}

function addTo(marks: Uint8Array, others: Uint8Array): void {
  for (let page = 0; page < others.length; page++) if (others[page]) marks[page] = 1;
}
