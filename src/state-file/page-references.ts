/**
 * A page of a state on a base is written as its difference from a page of the base. That page is the one
 * in the same place, or one with common parts. A process's copy and its original have such parts.
 */
import { pageBytes } from '../protocol/page-bytes.ts';
import type { BaseImage } from './base-image.ts';
import type { Codec } from './format/codec.ts';

export interface PageReference {
  /** Contents of the page in the base. */
  old: Uint8Array;
  /** Number of the page, unless it is the one in the same place: it is copied there first. */
  from?: number;
}

interface ReferenceRequest {
  codec: Codec;
  base: BaseImage;
  pages: readonly { page: number; contents: Uint8Array }[];
  /** Returns true if a page is still as in the base. */
  isUnchanged(page: number): boolean;
}

/** @returns references by page, if the difference is smaller than the page itself */
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
    // A page that was copied over in this step differs from the base.
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
