import type { ArrivingPages } from '../protocol/state-transfer.ts';
import { groupPages, pageBytes } from './limits.ts';

/**
 * Pages of one group that wait to be written. A group is carried out kind by kind, copies last, so a
 * page that it {@link mentions} already belongs into the next one.
 */
export class WaitingPages {
  readonly #uniform: number[] = [];
  readonly #copies: number[] = [];
  readonly #mentioned = new Set<number>();
  readonly #numbers: number[] = [];
  readonly #onBase = new Set<number>();
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

  /** Pages that may be written as what differs from the base. */
  get onBase(): number[] {
    return this.#numbers.filter((page) => this.#onBase.has(page));
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

  add(page: number, contents: Uint8Array, onBase: boolean): void {
    const slot = this.#numbers.push(page) - 1;
    this.#mentioned.add(page);
    if (onBase) this.#onBase.add(page);
    const end = (slot + 1) * pageBytes;
    if (end > this.#contents.length) {
      const larger = new Uint8Array(Math.min(this.#contents.length * 4, groupPages * pageBytes));
      larger.set(this.#contents);
      this.#contents = larger;
    }
    this.#contents.set(contents, slot * pageBytes);
  }

  /** @param old contents of {@link onBase} in the base */
  encode(old: Uint8Array): ArrivingPages {
    const plain: { page: number; slot: number }[] = [];
    const differing: number[] = [];
    const xor: Uint32Array[] = [];
    let next = 0;
    for (const [slot, page] of this.#numbers.entries()) {
      const difference =
        this.#onBase.has(page) && xorOf(this.#words(slot), wordsAt(old, next++ * pageBytes));
      if (difference) {
        differing.push(page);
        xor.push(difference);
      } else plain.push({ page, slot });
    }
    const contents = new Uint8Array(plain.length * pageBytes);
    for (const [i, { slot }] of plain.entries()) {
      const at = slot * pageBytes;
      contents.set(this.#contents.subarray(at, at + pageBytes), i * pageBytes);
    }
    const differences = new Uint32Array((xor.length * pageBytes) / 4);
    for (const [i, words] of xor.entries()) differences.set(words, (i * pageBytes) / 4);
    return {
      kind: 'pages',
      numbers: Uint32Array.from(plain, ({ page }) => page),
      contents,
      uniform: Uint32Array.from(this.#uniform),
      xorNumbers: Uint32Array.from(differing),
      xor: new Uint8Array(differences.buffer),
      copies: Uint32Array.from(this.#copies),
    };
  }

  #words(slot: number): Uint32Array {
    return wordsAt(this.#contents, slot * pageBytes);
  }
}

const wordsAt = (bytes: Uint8Array, at: number) =>
  new Uint32Array(bytes.buffer, bytes.byteOffset + at, pageBytes / 4);

/** @returns undefined where the two have little in common: then the page itself compresses better. */
function xorOf(words: Uint32Array, old: Uint32Array): Uint32Array | undefined {
  const difference = new Uint32Array(words.length);
  let equal = 0;
  for (const [i, word] of words.entries()) {
    const other = old[i] ?? 0;
    difference[i] = word ^ other;
    if (word === other) equal++;
  }
  return equal >= words.length / 4 ? difference : undefined;
}
