/** Fast operations on 4 KiB pages of a shared memory; see page-ops.wat. */
import { pageBytes } from '../../protocol/page-bytes.ts';
import { pageOpsWasm } from './page-ops-wasm.ts';

/** A half-open range of addresses. */
export interface Range {
  start: number;
  end: number;
}

interface PageOpsExports {
  find_nonzero(start: number, end: number, list: number): number;
  gather(list: number, count: number, to: number): void;
  scatter(list: number, count: number, from: number): void;
  clear(list: number, count: number): void;
}

let compiled: WebAssembly.Module | undefined;

const roundDown = (address: number) => address & -pageBytes;
const roundUp = (address: number) => (address + pageBytes - 1) & -pageBytes;

export class PageOps {
  readonly #ops: PageOpsExports;

  constructor(memory: WebAssembly.Memory) {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(pageOpsWasm), (char) => char.charCodeAt(0)),
    );
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.#ops = instance.exports as unknown as PageOpsExports;
  }

  /**
   * Writes the addresses of the nonzero pages in `ranges` to `list`, which has room for every page (u32
   * each). Ranges are widened to whole pages.
   * @returns their number.
   */
  findNonzero(ranges: readonly Range[], list: number): number {
    let count = 0;
    for (const { start, end } of ranges)
      count += this.#ops.find_nonzero(roundDown(start), roundUp(end), list + count * 4);
    return count;
  }

  /** Copies the listed pages, one after the other, to `to`. */
  gather(list: number, count: number, to: number): void {
    this.#ops.gather(list, count, to);
  }

  /** Copies successive pages at `from` to the listed addresses. */
  scatter(list: number, count: number, from: number): void {
    this.#ops.scatter(list, count, from);
  }

  clear(list: number, count: number): void {
    this.#ops.clear(list, count);
  }
}
