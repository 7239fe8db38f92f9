/**
 * Pages of a state on a base are written as what differs from a page of the base: the one in the same
 * place, or one that has parts in common, such as the page that a process's copy was made of.
 */
import type { BaseImage } from './base-image.ts';
import type { Codec } from './codec.ts';
import { pageBytes } from './limits.ts';

export interface PageReference {
  /** Contents of the page in the base. */
  old: Uint8Array;
  /** Which page, where it is not the one in the same place: to be copied there first. */
  from?: number;
}

const blockBytes = 64;
const blocksPerPage = pageBytes / blockBytes;
/** Blocks that two pages must share, at the same places, to be worth a try. */
const leastShared = 2;
/** Of the base; more would take too much memory. */
const mostIndexed = 8192;

/** Finds pages by blocks that they share. */
export class SimilarPages {
  /** By a hash of a block and its place: pages that have it. A collision costs a bad guess. */
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

  /** @param isUsable whether a page may be referred to */
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

/** Of the blocks that are not one word over and over. */
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

export interface ReferenceRequest {
  codec: Codec;
  base: BaseImage;
  pages: readonly { page: number; contents: Uint8Array }[];
  /** Whether a page still is what it was in the base. */
  isUnchanged(page: number): boolean;
}

/** @returns by page, where its difference is smaller than itself */
export async function chooseReferences({
  codec,
  base,
  pages,
  isUnchanged,
}: ReferenceRequest): Promise<Map<number, PageReference>> {
  const similar = await base.similarPages();
  const chosen = new Map<number, PageReference>();
  const copied = new Set<number>();
  const sizeOf = (bytes: Uint8Array) => codec.compress(bytes, 1).length;
  for (const { page, contents } of pages) {
    // What was copied over in the same go is not as in the base any more.
    const isUsable = (other: number) => other !== page && isUnchanged(other) && !copied.has(other);
    const from = similar.find(contents, isUsable);
    const candidates: PageReference[] = [];
    if (!base.isZero(page)) candidates.push({ old: await base.contents([page]) });
    if (from !== undefined) candidates.push({ old: await base.contents([from]), from });
    let least = sizeOf(contents);
    for (const candidate of candidates) {
      const sizeBytes = sizeOf(differenceOf(contents, candidate.old));
      if (sizeBytes >= least) continue;
      least = sizeBytes;
      chosen.set(page, candidate);
    }
    if (chosen.get(page)?.from !== undefined) copied.add(page);
  }
  return chosen;
}

export function differenceOf(contents: Uint8Array, old: Uint8Array): Uint8Array {
  const difference = new Uint8Array(pageBytes);
  for (let i = 0; i < pageBytes; i++) difference[i] = (contents[i] ?? 0) ^ (old[i] ?? 0);
  return difference;
}
