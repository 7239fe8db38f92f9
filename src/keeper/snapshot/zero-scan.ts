/** Finds the pages of a memory that are not zero. See zero-scan.wat. */
import { pageBytes } from '../../protocol/page-bytes.ts';
import { zeroScanWasm } from './zero-scan-wasm.ts';

type Scan = (from: number, end: number) => number;

let compiled: WebAssembly.Module | undefined;

export class ZeroScan {
  readonly #scan: Scan;

  constructor(memory: WebAssembly.Memory) {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(zeroScanWasm), (char) => char.charCodeAt(0)),
    );
    const instance = new WebAssembly.Instance(compiled, { env: { memory } });
    this.#scan = instance.exports.scan as Scan;
  }

  /**
   * Returns how many pages at `address` are zero before the first one that is not, at most `count`.
   * The address is a multiple of the page size.
   */
  zeroPages(address: number, count: number): number {
    // WebAssembly returns addresses over 2 GiB as negative numbers.
    const stop = this.#scan(address, address + count * pageBytes) >>> 0;
    return Math.floor((stop - address) / pageBytes);
  }
}
