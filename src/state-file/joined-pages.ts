/**
 * Joins the small groups of a state file of format 2 into larger ones. Each group that goes to a
 * keeper costs a message and an answer.
 */
import { freeBuffer } from '../protocol/free-buffer.ts';
import type { ImportPages } from '../protocol/state-transfer.ts';
import { listsOnly } from './format/page-group.ts';
import type { StatePart } from './format/state-part.ts';

/** Pages with bytes in a joined group. */
const mostPages = 1024;
/** Numbers in its lists of other pages. */
const mostListed = 65_536;

/** Passes on parts in their order, with neighbouring groups of pages joined. */
export async function* joinPages(parts: AsyncIterable<StatePart>): AsyncGenerator<StatePart> {
  let groups = new JoinedPages();
  for await (const part of parts) {
    if (part.kind === 'pages' && groups.take(part)) continue;
    if (!groups.isEmpty) yield groups.join();
    groups = new JoinedPages();
    if (part.kind !== 'pages' || !groups.take(part)) yield part;
  }
  if (!groups.isEmpty) yield groups.join();
}

class JoinedPages {
  readonly #groups: ImportPages[] = [];
  /**
   * Pages whose steps come after the contents. In a joined group, all contents come first: so those
   * of a later group must be of other pages.
   */
  readonly #late = new Set<number>();
  #pages = 0;
  #listed = 0;

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** @returns false for a group that has no room, or would be carried out too early */
  take(group: ImportPages): boolean {
    const { numbers, uniform, xorNumbers, copies } = group;
    const pages = numbers.length + xorNumbers.length;
    const listed = uniform.length + copies.length;
    if (this.#pages + pages > mostPages || this.#listed + listed > mostListed) return false;
    const isLate = (page: number) => this.#late.has(page);
    const uniformPages = uniform.filter((_, i) => i % 2 === 0);
    if (this.#late.size > 0)
      for (const list of [numbers, uniformPages, xorNumbers]) if (list.some(isLate)) return false;
    for (const list of [uniformPages, xorNumbers, copies])
      for (const page of list) this.#late.add(page);
    this.#groups.push(group);
    this.#pages += pages;
    this.#listed += listed;
    return true;
  }

  /** Returns the groups as one, and frees their buffers. */
  join(): ImportPages {
    const [only, ...others] = this.#groups;
    if (only && others.length === 0) return only;
    const listOf = (name: 'numbers' | 'uniform' | 'xorNumbers' | 'copies') =>
      Uint32Array.from(this.#groups.flatMap((group) => [...group[name]]));
    const group: ImportPages = {
      kind: 'pages',
      numbers: listOf('numbers'),
      contents: joinedBytes(this.#groups.map(({ contents }) => contents)),
      uniform: listOf('uniform'),
      xorNumbers: listOf('xorNumbers'),
      xor: joinedBytes(this.#groups.map(({ xor }) => xor)),
      copies: listOf('copies'),
    };
    freeBuffer(...new Set(this.#groups.map(({ contents }) => contents.buffer)));
    return group;
  }
}

/** Returns pages as a group. */
export function joinedGroup(pages: readonly { page: number; bytes: Uint8Array }[]): ImportPages {
  return {
    ...listsOnly({}),
    numbers: Uint32Array.from(pages, ({ page }) => page),
    contents: joinedBytes(pages.map(({ bytes }) => bytes)),
  };
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
