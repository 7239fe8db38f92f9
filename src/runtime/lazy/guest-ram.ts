/** Guest RAM of which pages may be absent. Addresses and page numbers are guest-physical. */
import { HoldfastError } from '../../errors.ts';
import type { AbsentPages } from '../../protocol/lazy-ram.ts';
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { PhysicalRam } from './page-walk.ts';

/** VGA memory is there in place of RAM. */
const vga = { first: 0xa0, end: 0xc0 } as const;

const pageOf = (address: number) => Math.floor(address / pageBytes);

export class GuestRam implements PhysicalRam {
  readonly #present: Uint8Array;
  readonly #ram: DataView;
  readonly #source: AbsentPages;

  constructor(memory: WebAssembly.Memory, ramAddress: number, source: AbsentPages) {
    const { address, pages } = source.map;
    this.#source = source;
    this.#present = new Uint8Array(memory.buffer, address, pages);
    this.#ram = new DataView(memory.buffer, ramAddress, pages * pageBytes);
  }

  isAbsent(page: number): boolean {
    return this.#present[page] === 0 && (page < vga.first || page >= vga.end);
  }

  read32(address: number): number | undefined {
    const isRam = address + 4 <= this.#ram.byteLength;
    return isRam ? this.#ram.getInt32(address, true) : undefined;
  }

  want(page: number): void {
    this.#source.want(page);
  }

  /** @throws HoldfastError `memory-unavailable` */
  bring(pages: readonly number[]): void {
    const absent = pages.filter((page) => this.isAbsent(page));
    if (absent.length === 0) return;
    this.#source.bringNow(absent);
    if (absent.some((page) => this.isAbsent(page)))
      throw new HoldfastError('memory-unavailable', 'Memory of the guest has not arrived.');
  }

  /** Before a device uses these bytes. */
  bringRange(address: number, length: number): void {
    this.bring(this.#pagesOf(address, length));
  }

  /**
   * Before a device writes all of these bytes. A page that it replaces need not arrive: what the page
   * held is lost anyway.
   */
  replaceRange(address: number, length: number): void {
    const end = address + length;
    const isWhole = (page: number) => page * pageBytes >= address && (page + 1) * pageBytes <= end;
    const pages = this.#pagesOf(address, length);
    this.bring(pages.filter((page) => !isWhole(page)));
    for (const page of pages) this.#present[page] = 1;
  }

  #pagesOf(address: number, length: number): number[] {
    if (!(length > 0)) return [];
    const first = pageOf(address);
    const end = Math.min(pageOf(address + length - 1) + 1, this.#present.length);
    return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  }
}
