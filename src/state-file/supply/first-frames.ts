import { frameKind } from '../format/frame.ts';
import type { StateFileReader } from '../state-file-reader.ts';

/** The first MiB: a guest in real mode has its tables there, and firmware is there. */
const firstPages = 256;

/** The frames that a guest needs before it runs, besides the end of the file. */
export interface FirstFrames {
  /** Packs with pages of the first MiB, or of memory that is not guest RAM. */
  packs: readonly number[];
  /** These, and those with disks and blobs. Ascending. */
  all: readonly number[];
}

export function firstFrames(reader: StateFileReader): FirstFrames {
  const needed = new Set<number>();
  let first = 0;
  for (const { block, pages } of reader.head.state.ranges) {
    const count = block === 'pc.ram' ? Math.min(firstPages, pages) : pages;
    for (let page = first; page < first + count; page++) {
      const source = reader.index.sources.of(page);
      if (source.kind === 'contents') needed.add(source.frame);
    }
    first += pages;
  }
  const packs = reader.packs.others.filter((number) => needed.has(number));
  const all = reader.index.frames.flatMap(({ kind }, number) => {
    const isPart = kind === frameKind.contents || kind === frameKind.blobs;
    return isPart || (kind === frameKind.pages && needed.has(number)) ? [number] : [];
  });
  return { packs, all };
}
