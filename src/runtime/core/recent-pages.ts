/**
 * The pages of guest RAM that the guest used last: those in v86's TLB. The guest's first
 * access to a page makes an entry. It stays until the page tables are switched, or a checkpoint begins.
 */
import { pageBytes } from '../../protocol/page-bytes.ts';

const entries = 1 << 20;
/** Bits of an entry, v86's cpu.rs. */
const inMappedRange = 8;
const pageMask = ~(pageBytes - 1);

interface TlbPlace {
  buffer: ArrayBufferLike;
  /** Address of `tlb_data`. */
  tlbAddress: number;
  ramAddress: number;
  ramBytes: number;
}

/** @returns guest-physical page numbers, ascending */
export function recentPages({
  buffer,
  tlbAddress,
  ramAddress,
  ramBytes,
}: TlbPlace): Uint32Array<ArrayBuffer> {
  const tlb = new Int32Array(buffer, tlbAddress, entries);
  const pages = new Set<number>();
  for (let page = 0; page < entries; page++) {
    const entry = tlb[page] ?? 0;
    if (entry === 0 || entry & inMappedRange) continue;
    // An entry is (address of the page in memory) ^ page * 4096 | bits.
    const offset = (((entry & pageMask) ^ (page * pageBytes)) >>> 0) - ramAddress;
    if (offset >= 0 && offset < ramBytes) pages.add(offset / pageBytes);
  }
  return Uint32Array.from(pages).sort();
}
