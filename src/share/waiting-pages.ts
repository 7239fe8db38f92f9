import type { ArrivingPages } from '../protocol/state-transfer.ts';
import { groupPages, pageBytes } from './limits.ts';
import { differenceOf, type PageReference } from './page-references.ts';

/**
 * Pages of one group that wait to be written. A group is carried out kind by kind, copies last, so a
 * page that it {@link mentions} already belongs into the next one.
 */
export class WaitingPages {
  readonly #uniform: number[] = [];
  readonly #copies: number[] = [];
  readonly #mentioned = new Set<number>();
  readonly #numbers: number[] = [];
  readonly #fresh = new Set<number>();
  #contents = new Uint8Array(64 * pageBytes);

  get isEmpty(): boolean {
    return this.#numbers.length + this.#uniform.length + this.#copies.length === 0;
  }

  get isFull(): boolean {
    return (
      this.#numbers.length >= groupPages ||
      this.#uniform.length + this.#copies.length >= groupPages * 32
    );
  }

  /** Every page that the group speaks of. */
  get mentioned(): ReadonlySet<number> {
    return this.#mentioned;
  }

  /** Those that come for the first time: in memory they are as in the base, if there is one. */
  get fresh(): { page: number; contents: Uint8Array }[] {
    return this.#inOrder()
      .filter(({ page }) => this.#fresh.has(page))
      .map(({ page, slot }) => ({ page, contents: this.#at(slot) }));
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
      const larger = new Uint8Array(Math.min(this.#contents.length * 4, groupPages * pageBytes));
      larger.set(this.#contents);
      this.#contents = larger;
    }
    this.#contents.set(contents, slot * pageBytes);
  }

  /** @param references of the pages to be written as what differs from them */
  encode(references: ReadonlyMap<number, PageReference>): ArrivingPages {
    const pages = this.#inOrder();
    const plain = pages.filter(({ page }) => !references.has(page));
    const differing = pages.filter(({ page }) => references.has(page));
    const contents = new Uint8Array(plain.length * pageBytes);
    for (const [i, { slot }] of plain.entries()) contents.set(this.#at(slot), i * pageBytes);
    const xor = new Uint8Array(differing.length * pageBytes);
    for (const [i, { page, slot }] of differing.entries()) {
      const { old } = references.get(page) ?? { old: new Uint8Array(pageBytes) };
      xor.set(differenceOf(this.#at(slot), old), i * pageBytes);
    }
    return {
      kind: 'pages',
      numbers: Uint32Array.from(plain, ({ page }) => page),
      contents,
      uniform: Uint32Array.from(this.#uniform),
      xorNumbers: Uint32Array.from(differing, ({ page }) => page),
      xor,
      copies: Uint32Array.from(this.#copies),
    };
  }

  /** Neighbours have the most in common. */
  #inOrder(): { page: number; slot: number }[] {
    const pages = this.#numbers.map((page, slot) => ({ page, slot }));
    return pages.sort((a, b) => a.page - b.page);
  }

  #at(slot: number): Uint8Array {
    return this.#contents.subarray(slot * pageBytes, (slot + 1) * pageBytes);
  }
}
