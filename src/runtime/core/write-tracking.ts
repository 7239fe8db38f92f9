/**
 * Tracks the pages of guest RAM that may have been written. The module itself marks them, see
 * tools/wasm/track-writes.ts. This file adds the writes that the module cannot see.
 */
import type { WriteTracking } from '../../protocol/abi.ts';

const pageShift = 12;

/** One byte for every guest-physical page of four GiB, in the runtime's own part of the memory. */
export const writeMapBytes = 1 << 20;

export const writeMapAddress = (runtimeBytes: number) => runtimeBytes - writeMapBytes;

/**
 * v86 has an alias of the first MiB just below four GiB, where firmware is. Writes there end in
 * JavaScript, which stores the bytes without a mark.
 */
const aliasedBytes = 1 << 20;

interface TrackedRuntime {
  memory: WebAssembly.Memory;
  runtimeBytes: number;
  ramBytes: number;
  clearTlb(): void;
}

export class RamWrites implements WriteTracking {
  readonly map: { address: number; pages: number };
  readonly #notes: Uint8Array;
  readonly #clearTlb: () => void;

  constructor({ memory, runtimeBytes, ramBytes, clearTlb }: TrackedRuntime) {
    this.map = { address: writeMapAddress(runtimeBytes), pages: ramBytes >> pageShift };
    this.#notes = new Uint8Array(memory.buffer, this.map.address, this.map.pages);
    this.#clearTlb = clearTlb;
  }

  /**
   * Clears the map. The next write to a page must create a TLB entry again, which marks the page.
   */
  reset(): void {
    this.#notes.fill(0);
    this.#clearTlb();
  }

  collect(): void {
    this.#notes.fill(1, 0, aliasedBytes >> pageShift);
  }

  /** Marks all pages after an external write of unknown extent. */
  invalidate(): void {
    this.#notes.fill(1);
  }
}

type Export = (...args: number[]) => number;

/**
 * Wraps the exports that devices call when they write to RAM themselves, so that they mark it.
 * @param note takes a half-open range of guest-physical addresses.
 */
export function notingExports(
  { jit_dirty_cache, zero_memory }: Record<string, Export>,
  note: (start: number, end: number) => void,
): Record<string, Export> {
  return {
    // Called before a DMA, which invalidates compiled code of those pages.
    jit_dirty_cache(start = 0, end = 0) {
      note(start, end);
      return jit_dirty_cache?.(start, end) ?? 0;
    },
    // Called by the memory balloon.
    zero_memory(start = 0, length = 0) {
      note(start, start + length);
      return zero_memory?.(start, length) ?? 0;
    },
  };
}
