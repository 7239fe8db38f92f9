import { pageBytes } from '../protocol/page-bytes.ts';
import type { ImportPages } from '../protocol/state-transfer.ts';
import { listsOnly } from './format/page-group.ts';
import { mostWaitingPages, packListBytes } from './format/state-limits.ts';
import { similarityOrder } from './page-order.ts';
import { differenceOf, type PageReference } from './page-references.ts';

/** Numbers in the lists of uniform pages and copies. */
const mostListed = 32_768;

/**
 * Pages that wait to be written, in groups. Groups are carried out kind by kind, copies last.
 * So a page that is already {@link mentions | mentioned} must wait for the next groups.
 */
export class WaitingPages {
  readonly #uniform: number[] = [];
  readonly #copies: number[] = [];
  readonly #mentioned = new Set<number>();
  readonly #numbers: number[] = [];
  readonly #fresh = new Set<number>();
  readonly #groupPages: number;
  /** Both are used again and again: a large machine would leave its own size for the garbage collector. */
  #contents = new Uint8Array(64 * pageBytes);
  #joined = new Uint8Array(64 * pageBytes);

  /** @param groupPages largest number of pages with bytes in a group */
  constructor(groupPages: number) {
    this.#groupPages = groupPages;
  }

  get isEmpty(): boolean {
    return this.#numbers.length + this.#uniform.length + this.#copies.length === 0;
  }

  get isFull(): boolean {
    return (
      this.#numbers.length >= mostWaitingPages ||
      this.#uniform.length + this.#copies.length >= mostListed
    );
  }

  /** All pages in the groups. */
  get mentioned(): ReadonlySet<number> {
    return this.#mentioned;
  }

  /**
   * Pages that are written for the first time: in memory they are still as in the base, if there is
   * one.
   */
  get fresh(): { page: number; contents: Uint8Array }[] {
    return this.#inOrder()
      .filter(({ page }) => this.#fresh.has(page))
      .map(({ page, slot }) => ({ page, contents: this.#at(slot) }));
  }

  /** Size of the pages with bytes. */
  get sizeBytes(): number {
    return this.#numbers.length * pageBytes;
  }

  mentions(page: number): boolean {
    return this.#mentioned.has(page);
  }

  addUniform(page: number, word: number): void {
    this.#mentioned.add(page);
    this.#uniform.push(page, word);
  }

  addCopy(page: number, from: number): void {
    this.#mentioned.add(page).add(from);
    this.#copies.push(page, from);
  }

  add(page: number, contents: Uint8Array, isFresh: boolean): void {
    const slot = this.#numbers.push(page) - 1;
    this.#mentioned.add(page);
    if (isFresh) this.#fresh.add(page);
    const end = (slot + 1) * pageBytes;
    if (end > this.#contents.length) {
      this.#contents = enlarged(this.#contents, mostWaitingPages);
    }
    this.#contents.set(contents, slot * pageBytes);
  }

  clear(): void {
    this.#uniform.length = 0;
    this.#copies.length = 0;
    this.#numbers.length = 0;
    this.#mentioned.clear();
    this.#fresh.clear();
  }

  /**
   * Yields groups, to be carried out in order. Each is valid until the next one is taken.
   * @param references of the pages that are written as differences
   */
  *encode(references: ReadonlyMap<number, PageReference>): Generator<ImportPages> {
    const pages = this.#inOrder();
    const order = similarityOrder(pages.map(({ slot }) => this.#at(slot)));
    const size = this.#groupPages;
    const count = Math.ceil(pages.length / size);
    const listed = (this.#uniform.length + this.#copies.length) * 4;
    const isApart = count === 0 || (count > 1 && listed > packListBytes);
    if (isApart && this.#uniform.length > 0) yield listsOnly({ uniform: this.#uniform });
    for (let group = 0; group < count; group++) {
      const indexes = order.slice(group * size, (group + 1) * size);
      const some = indexes.flatMap((index) => pages[index] ?? []);
      const plain = some.filter(({ page }) => !references.has(page));
      const differing = some.filter(({ page }) => references.has(page));
      const xor = new Uint8Array(differing.length * pageBytes);
      for (const [i, { page, slot }] of differing.entries()) {
        const { old } = references.get(page) ?? { old: new Uint8Array(pageBytes) };
        xor.set(differenceOf(this.#at(slot), old), i * pageBytes);
      }
      yield {
        kind: 'pages',
        numbers: Uint32Array.from(plain, ({ page }) => page),
        contents: this.#join(plain),
        uniform: Uint32Array.from(!isApart && group === 0 ? this.#uniform : []),
        xorNumbers: Uint32Array.from(differing, ({ page }) => page),
        xor,
        // Copies of pages that any of the groups may hold.
        copies: Uint32Array.from(!isApart && group === count - 1 ? this.#copies : []),
      };
    }
    if (isApart && this.#copies.length > 0) yield listsOnly({ copies: this.#copies });
  }

  #join(pages: readonly { slot: number }[]): Uint8Array<ArrayBuffer> {
    const bytes = pages.length * pageBytes;
    while (this.#joined.length < bytes) this.#joined = enlarged(this.#joined, this.#groupPages);
    for (const [i, { slot }] of pages.entries()) this.#joined.set(this.#at(slot), i * pageBytes);
    return this.#joined.subarray(0, bytes);
  }

  /** Returns the pages in ascending order: neighbours have the most in common. */
  #inOrder(): { page: number; slot: number }[] {
    const pages = this.#numbers.map((page, slot) => ({ page, slot }));
    return pages.sort((a, b) => a.page - b.page);
  }

  #at(slot: number): Uint8Array {
    return this.#contents.subarray(slot * pageBytes, (slot + 1) * pageBytes);
  }
}

function enlarged(bytes: Uint8Array, mostPages: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(bytes.length * 4, mostPages * pageBytes));
  larger.set(bytes);
  return larger;
}
