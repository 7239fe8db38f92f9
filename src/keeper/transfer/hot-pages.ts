import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { MemoryRange } from '../../protocol/state-transfer.ts';
import { RecentPages } from '../guest/recent-pages.ts';

/**
 * Returns the pages that the guest used last, by their numbers across all ranges.
 * @param recent earlier ones, to which the runtime's are added
 * @returns undefined if the runtime does not know
 */
export function hotPagesOf(
  runtime: Pick<RuntimeInstance, 'recentPages'>,
  ranges: readonly MemoryRange[],
  recent = new RecentPages(),
): Uint32Array<ArrayBuffer> | undefined {
  let first = 0;
  for (const { block, pages } of ranges) {
    if (block === 'pc.ram') {
      const now = runtime.recentPages?.();
      if (!now) return undefined;
      recent.note(now);
      return recent
        .all()
        .filter((page) => page < pages)
        .map((page) => first + page)
        .sort();
    }
    first += pages;
  }
  return undefined;
}
