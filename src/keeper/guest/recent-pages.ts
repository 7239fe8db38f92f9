/** Limit of a state file's hot pages. */
const mostPages = 1024;

/**
 * The pages of guest RAM that the guest used last, by guest-physical number. A checkpoint makes the runtime
 * forget what it knows of them.
 */
export class RecentPages {
  /** The least recent first. */
  readonly #pages = new Set<number>();

  note(pages: Iterable<number> = []): void {
    for (const page of pages) {
      this.#pages.delete(page);
      this.#pages.add(page);
    }
    for (const page of this.#pages) {
      if (this.#pages.size <= mostPages) break;
      this.#pages.delete(page);
    }
  }

  /** Returns them, in no order. */
  all(): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(this.#pages);
  }
}
