/**
 * The order in which pages are compressed. Compression finds repeats within a few MiB. A guest has
 * the same bytes in several places: a file in its cache, in its compressed source, in the memory of
 * a process. Pages that share bytes, at any offsets, are placed next to each other.
 */
import { pageBytes } from '../protocol/page-bytes.ts';

const wordsPerPage = pageBytes / 4;
const windowWords = 4;
/** Closer pages are within reach of each other anyway, and neighbours have the most in common. */
const nearPages = 64;
const noHash = 0xffff_ffff;

/**
 * @param pages neighbours next to each other, each aligned to 4 bytes
 * @returns their indexes, in the order of compression
 */
export function similarityOrder(pages: readonly Uint8Array[]): number[] {
  /** The first page of each set of similar ones, by one of their hashes. */
  const leaders = new Map<number, number>();
  const followers = new Map<number, number[]>();
  const inPlace: number[] = [];
  for (const [index, page] of pages.entries()) {
    const hashes = leastHashes(page);
    const leader = hashes.map((hash) => leaders.get(hash)).find((found) => found !== undefined);
    const isFar = leader !== undefined && index - leader > nearPages;
    if (isFar) {
      const others = followers.get(leader);
      if (others) others.push(index);
      else followers.set(leader, [index]);
    } else inPlace.push(index);
    for (const hash of hashes) if (!leaders.has(hash)) leaders.set(hash, isFar ? leader : index);
  }
  return inPlace.flatMap((index) => [index, ...(followers.get(index) ?? [])]);
}

/**
 * Returns the two least hashes of all runs of 16 bytes, at offsets that are multiples of 4. Two
 * pages that share many runs are likely to share these (min-hashing, Broder 1997).
 */
function leastHashes(page: Uint8Array): number[] {
  const words = new Uint32Array(page.buffer, page.byteOffset, wordsPerPage);
  let least = noHash;
  let second = noHash;
  for (let i = 0; i + windowWords <= wordsPerPage; i++) {
    const a = words[i] ?? 0;
    const b = words[i + 1] ?? 0;
    const c = words[i + 2] ?? 0;
    // Runs of one word are in every other page.
    if (a === b && b === c) continue;
    const hash = mix(a, b, c, words[i + 3] ?? 0);
    if (hash < least) {
      second = least;
      least = hash;
    } else if (hash < second && hash !== least) second = hash;
  }
  return [least, second].filter((hash) => hash !== noHash);
}

/** Mixes words with odd constants of xxHash32 and MurmurHash3's finaliser. */
function mix(a: number, b: number, c: number, d: number): number {
  let hash =
    Math.imul(a, 0x9e3779b1) ^
    Math.imul(b, 0x85ebca77) ^
    Math.imul(c, 0xc2b2ae3d) ^
    Math.imul(d, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
