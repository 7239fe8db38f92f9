import type { RuntimeInstance } from '../../protocol/abi.ts';
import type { MemoryRange } from '../../protocol/state-transfer.ts';

/**
 * Returns the pages that the guest used last, by their numbers across all ranges.
 * @returns undefined if the runtime does not know
 */
export function hotPagesOf(
  runtime: Pick<RuntimeInstance, 'recentPages'>,
  ranges: readonly MemoryRange[],
): Uint32Array<ArrayBuffer> | undefined {
  let first = 0;
  for (const { block, pages } of ranges) {
    if (block === 'pc.ram') {
      const recent = runtime.recentPages?.();
      return recent?.filter((page) => page < pages).map((page) => first + page);
    }
    first += pages;
  }
  return undefined;
}
