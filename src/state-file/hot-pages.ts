/**
 * Pages that the guest is likely to touch first. They are withheld until the end of the file, next to
 * the device state. There a reader finds all of them at once, in their last version.
 */
import { pageBytes } from '../protocol/page-bytes.ts';

/** Limit of what is withheld: 4 MiB. A reader fetches all of it before the guest runs. */
const mostPages = 1024;

export class HotPages {
  readonly #hinted: ReadonlySet<number>;
  /** Slots by page. */
  readonly #slots = new Map<number, number>();
  readonly #free: number[] = [];
  #contents = new Uint8Array(64 * pageBytes);

  /** @param hinted pages that the guest used shortly before */
  constructor(hinted: Iterable<number> = []) {
    this.#hinted = new Set(hinted);
  }

  /**
   * Takes a copy of a page if it is hot. A page that is sent again is one that the guest has just
   * written.
   */
  take(page: number, contents: Uint8Array, { isAgain }: { isAgain: boolean }): boolean {
    let slot = this.#slots.get(page);
    if (slot === undefined) {
      if (this.#slots.size >= mostPages || !(isAgain || this.#hinted.has(page))) return false;
      slot = this.#free.pop() ?? this.#slots.size;
      this.#slots.set(page, slot);
    }
    const end = (slot + 1) * pageBytes;
    if (end > this.#contents.length) {
      const larger = new Uint8Array(Math.min(this.#contents.length * 4, mostPages * pageBytes));
      larger.set(this.#contents);
      this.#contents = larger;
    }
    this.#contents.set(contents, end - pageBytes);
    return true;
  }

  /** Forgets a page: its contents are uniform now. */
  drop(page: number): void {
    const slot = this.#slots.get(page);
    if (slot === undefined) return;
    this.#slots.delete(page);
    this.#free.push(slot);
  }

  /** Yields the pages in ascending order: neighbours have the most in common. */
  *all(): Generator<{ page: number; contents: Uint8Array }> {
    for (const [page, slot] of [...this.#slots].sort(([a], [b]) => a - b))
      yield { page, contents: this.#contents.subarray(slot * pageBytes, (slot + 1) * pageBytes) };
  }
}
