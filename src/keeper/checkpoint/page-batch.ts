/**
 * Copies of pages that have not been written yet. A page that changes again before the write
 * replaces its older copy. So scans while the guest runs cost no second write.
 */
import { pageBytes } from '../../protocol/page-bytes.ts';

const slabPages = 256;
/** Slabs that are retained at least from one checkpoint to the next. */
const leastSlabs = 8;

/** No slot: the page is not in the batch, or is uniform. */
const none = 0xffffffff;

export class PageBatch {
  readonly #memory: Uint8Array;
  /** By page. */
  readonly #slots: Uint32Array;
  /** The word of each uniform page, by page. */
  readonly #uniform = new Map<number, number>();
  readonly #pages = new Set<number>();
  readonly #slabs: Uint8Array[] = [];
  readonly #freeSlots: number[] = [];
  #usedSlots = 0;
  #keptSlabs = leastSlabs;

  constructor(memory: WebAssembly.Memory, pageCount: number) {
    this.#memory = new Uint8Array(memory.buffer);
    this.#slots = new Uint32Array(pageCount).fill(none);
  }

  get sizeBytes(): number {
    return (this.#pages.size - this.#uniform.size) * pageBytes;
  }

  get pageCount(): number {
    return this.#pages.size;
  }

  /** Ascending. */
  pages(): Uint32Array {
    return Uint32Array.from(this.#pages).sort();
  }

  /** Copies the page, as it is now. */
  put(page: number, address: number): void {
    let slot = this.#slots[page] ?? none;
    if (slot === none) {
      slot = this.#freeSlots.pop() ?? this.#usedSlots++;
      this.#slots[page] = slot;
      this.#uniform.delete(page);
      this.#pages.add(page);
    }
    // Copies from shared memory, page for page, at some 3 GB/s.
    this.#slot(slot).set(this.#memory.subarray(address, address + pageBytes));
  }

  putUniform(page: number, word: number): void {
    this.#releaseSlot(page);
    this.#uniform.set(page, word);
    this.#pages.add(page);
  }

  uniformWord(page: number): number | undefined {
    return this.#uniform.get(page);
  }

  /** Returns the copy of a page that is not uniform; valid until {@link clear}. */
  contents(page: number): Uint8Array {
    return this.#slot(this.#slots[page] ?? none);
  }

  drop(page: number): void {
    this.#releaseSlot(page);
    this.#uniform.delete(page);
    this.#pages.delete(page);
  }

  clear(): void {
    for (const page of this.#pages) this.#slots[page] = none;
    this.#pages.clear();
    this.#uniform.clear();
    this.#freeSlots.length = 0;
    // Retains the likely need of the next checkpoint: fresh memory costs more than the copies into
    // it.
    const used = Math.ceil(this.#usedSlots / slabPages);
    this.#keptSlabs = Math.max(leastSlabs, used, Math.floor(this.#keptSlabs / 2));
    this.#usedSlots = 0;
    this.#slabs.length = Math.min(this.#slabs.length, this.#keptSlabs);
  }

  #releaseSlot(page: number): void {
    const slot = this.#slots[page] ?? none;
    if (slot === none) return;
    this.#freeSlots.push(slot);
    this.#slots[page] = none;
  }

  #slot(slot: number): Uint8Array {
    const index = Math.floor(slot / slabPages);
    this.#slabs[index] ??= new Uint8Array(slabPages * pageBytes);
    const start = (slot % slabPages) * pageBytes;
    return this.#slabs[index].subarray(start, start + pageBytes);
  }
}
