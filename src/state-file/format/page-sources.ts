/**
 * The source of each page of a state file. Writer and reader derive it from the groups of pages, in
 * the order of the file. See docs/spec/state-file.md, "Index".
 */
import type { ImportPages } from '../../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';

export type PageSource =
  /** A page of the base. */
  | { kind: 'base'; page: number }
  | { kind: 'uniform'; word: number }
  | { kind: 'contents'; frame: number; slot: number }
  /** Contents that are combined with a page of the base by XOR. */
  | { kind: 'difference'; frame: number; slot: number; basePage: number };

const kinds = { base: 0, uniform: 1, contents: 2, difference: 3 } as const;
const slotBits = 8;
/** Largest number of pages with bytes in one frame. */
export const mostSlots = 1 << slotBits;

export const placeOf = (frame: number, slot: number) => ((frame << slotBits) | slot) >>> 0;
export const frameOf = (place: number) => place >>> slotBits;
export const slotOf = (place: number) => place & (mostSlots - 1);

export class PageSources {
  readonly pageCount: number;
  readonly hasBase: boolean;
  readonly #kinds: Uint8Array;
  /** The place of the bytes, or the word that fills the page. */
  readonly #values: Uint32Array;
  /** Pages of the base; only with one. */
  readonly #basePages: Uint32Array | undefined;

  constructor(pageCount: number, hasBase: boolean) {
    this.pageCount = pageCount;
    this.hasBase = hasBase;
    // Without a base, every page begins as zero.
    this.#kinds = new Uint8Array(pageCount).fill(hasBase ? kinds.base : kinds.uniform);
    this.#values = new Uint32Array(pageCount);
    this.#basePages = hasBase ? Uint32Array.from({ length: pageCount }, (_, i) => i) : undefined;
  }

  /**
   * Applies a group. A page of it that is neither in the base nor has bytes is refused elsewhere.
   * @throws HoldfastError `bad-state-file` for a difference to anything but a page of the base
   */
  apply(frame: number, group: Omit<ImportPages, 'kind' | 'contents' | 'xor'>): void {
    const { numbers, uniform, xorNumbers, copies } = group;
    for (const [slot, page] of numbers.entries())
      this.#set(page, kinds.contents, placeOf(frame, slot));
    for (let i = 0; i < uniform.length; i += 2)
      this.#set(uniform[i] ?? 0, kinds.uniform, uniform[i + 1] ?? 0);
    for (const [i, page] of xorNumbers.entries()) {
      if (this.#kinds[page] !== kinds.base)
        throw badState(`This state file combines page ${page} with what is not in its base.`);
      this.#set(page, kinds.difference, placeOf(frame, numbers.length + i));
    }
    for (let i = 0; i < copies.length; i += 2) {
      const [page = 0, from = 0] = [copies[i], copies[i + 1]];
      this.#set(page, this.#kinds[from] ?? 0, this.#values[from] ?? 0);
      if (this.#basePages) this.#basePages[page] = this.#basePages[from] ?? 0;
    }
  }

  /** Sets the source of a page that an index names. */
  set(page: number, source: PageSource): void {
    switch (source.kind) {
      case 'base':
        this.#set(page, kinds.base, 0);
        break;
      case 'uniform':
        this.#set(page, kinds.uniform, source.word);
        break;
      case 'contents':
        this.#set(page, kinds.contents, placeOf(source.frame, source.slot));
        break;
      case 'difference':
        this.#set(page, kinds.difference, placeOf(source.frame, source.slot));
        break;
    }
    if (!this.#basePages) return;
    if (source.kind === 'base') this.#basePages[page] = source.page;
    if (source.kind === 'difference') this.#basePages[page] = source.basePage;
  }

  of(page: number): PageSource {
    const value = this.#values[page] ?? 0;
    const basePage = this.#basePages?.[page] ?? page;
    const [frame, slot] = [frameOf(value), slotOf(value)];
    switch (this.#kinds[page]) {
      case kinds.contents:
        return { kind: 'contents', frame, slot };
      case kinds.difference:
        return { kind: 'difference', frame, slot, basePage };
      case kinds.base:
        return { kind: 'base', page: basePage };
      default:
        return { kind: 'uniform', word: value };
    }
  }

  /** Yields the pages that the file says something about, ascending. */
  *named(): Generator<[page: number, source: PageSource]> {
    for (let page = 0; page < this.pageCount; page++) {
      if (this.#isUntouched(page)) continue;
      yield [page, this.of(page)];
    }
  }

  /** Returns true if a page is as in the base, or zero without one. */
  #isUntouched(page: number): boolean {
    if (this.#basePages) return this.#kinds[page] === kinds.base && this.#basePages[page] === page;
    return this.#kinds[page] === kinds.uniform && this.#values[page] === 0;
  }

  #set(page: number, kind: number, value: number): void {
    this.#kinds[page] = kind;
    this.#values[page] = value;
    // A page of the base that a difference refers to stays.
    if (this.#basePages && kind !== kinds.difference) this.#basePages[page] = page;
  }
}
