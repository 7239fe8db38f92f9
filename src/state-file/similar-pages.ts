/** Finds pages of a base that have parts in common with another page. */
import { pageBytes } from '../protocol/page-bytes.ts';

const blockBytes = 64;
const blocksPerPage = pageBytes / blockBytes;
/** Blocks that two pages must share, at the same places, to be worth a try. */
const leastShared = 2;
/** Largest number of the base's pages in the index; more would take too much memory. */
const mostIndexed = 8192;

/** Finds pages by blocks that they share. */
export class SimilarPages {
  /** Pages by a hash of a block and its place. A collision only costs a bad guess. */
  readonly #first = new Map<number, number>();
  readonly #last = new Map<number, number>();
  #count = 0;

  add(page: number, contents: Uint8Array): void {
    if (this.#count++ >= mostIndexed) return;
    for (const hash of hashesOf(contents)) {
      if (this.#first.has(hash)) this.#last.set(hash, page);
      else this.#first.set(hash, page);
    }
  }

  /** @param isUsable returns true if a page may be referenced */
  find(contents: Uint8Array, isUsable: (page: number) => boolean): number | undefined {
    const shared = new Map<number, number>();
    let best: number | undefined;
    let most = leastShared - 1;
    for (const hash of hashesOf(contents)) {
      for (const page of [this.#first.get(hash), this.#last.get(hash)]) {
        if (page === undefined || !isUsable(page)) continue;
        const count = (shared.get(page) ?? 0) + 1;
        shared.set(page, count);
        if (count > most) [best, most] = [page, count];
      }
    }
    return best;
  }
}

/** Yields hashes of the blocks that are not uniform. */
function* hashesOf(contents: Uint8Array): Generator<number> {
  const words = new Uint32Array(contents.buffer, contents.byteOffset, pageBytes / 4);
  const perBlock = blockBytes / 4;
  for (let block = 0; block < blocksPerPage; block++) {
    const first = words[block * perBlock];
    let isUniform = true;
    let hash = block;
    for (let i = block * perBlock; i < (block + 1) * perBlock; i++) {
      const word = words[i] ?? 0;
      isUniform &&= word === first;
      hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
    }
    if (!isUniform) yield hash;
  }
}
