/** The pages that have their bytes in each frame: the index the other way round. */
import type { StateIndex } from './state-index.ts';

export class PagesByFrame {
  /** Where the pages of each frame begin in the list. */
  readonly #starts: Uint32Array;
  readonly #pages: Uint32Array;

  constructor({ frames, sources }: StateIndex) {
    const starts = new Uint32Array(frames.length + 1);
    const placed = function* () {
      for (const [page, source] of sources.named())
        if ('frame' in source) yield [page, source.frame] as const;
    };
    for (const [, frame] of placed()) starts[frame + 1] = (starts[frame + 1] ?? 0) + 1;
    for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
    this.#pages = new Uint32Array(starts.at(-1) ?? 0);
    const next = starts.slice();
    for (const [page, frame] of placed()) {
      const at = next[frame] ?? 0;
      this.#pages[at] = page;
      next[frame] = at + 1;
    }
    this.#starts = starts;
  }

  /** Returns the pages of a frame, ascending. */
  of(frame: number): Uint32Array {
    return this.#pages.subarray(this.#starts[frame], this.#starts[frame + 1]);
  }
}
