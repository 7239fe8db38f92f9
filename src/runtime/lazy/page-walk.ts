/**
 * Finds what an access of the guest needs, as v86's `do_page_walk` does. It has no side effects, and
 * reads no absent page.
 */

const flags = {
  /** CR0 */
  paging: 0x8000_0000,
  /** CR4 */
  pse: 0x10,
  pae: 0x20,
  /** Entries */
  present: 1,
  large: 0x80,
} as const;

export interface Paging {
  cr0: number;
  cr3: number;
  cr4: number;
  /** Low halves of the page directory pointers, which the CPU read with CR3. */
  directoryPointer(index: number): number;
}

/** Guest-physical memory. */
export interface PhysicalRam {
  isAbsent(page: number): boolean;
  /** @returns undefined where there is no RAM */
  read32(address: number): number | undefined;
}

/** `absent`: an absent page that the access needs first. `fault`: the guest gets a page fault. */
export type Walked = { absent: number } | { physical: number } | 'fault';

const frame = (entry: number, mask: number) => (entry & mask) >>> 0;

/** @param linear address */
export function walkPages(linear: number, paging: Paging, ram: PhysicalRam): Walked {
  const { cr0, cr3, cr4 } = paging;
  if (!(cr0 & flags.paging)) return target(linear >>> 0, ram);
  const isPae = (cr4 & flags.pae) !== 0;
  let directory: number;
  if (isPae) {
    const pointer = paging.directoryPointer(linear >>> 30);
    if (!(pointer & flags.present)) return 'fault';
    directory = frame(pointer, ~0xfff) + (((linear >>> 21) & 0x1ff) << 3);
  } else {
    // v86 keeps the two cache bits of CR3.
    directory = ((cr3 >>> 0) + ((linear >>> 22) << 2)) >>> 0;
  }
  const inDirectory = entryAt(directory, ram);
  if (typeof inDirectory !== 'number') return inDirectory;
  if (inDirectory & flags.large && cr4 & flags.pse) {
    const within = isPae ? 0x1f_ffff : 0x3f_ffff;
    return target((frame(inDirectory, ~within) | (linear & within)) >>> 0, ram);
  }
  const index = (linear >>> 12) & (isPae ? 0x1ff : 0x3ff);
  const inTable = entryAt(frame(inDirectory, ~0xfff) + index * (isPae ? 8 : 4), ram);
  if (typeof inTable !== 'number') return inTable;
  return target((frame(inTable, ~0xfff) | (linear & 0xfff)) >>> 0, ram);
}

function entryAt(address: number, ram: PhysicalRam): number | Walked {
  if (ram.isAbsent(address >>> 12)) return { absent: address >>> 12 };
  // v86 itself reads a table that is in a device.
  const entry = ram.read32(address);
  return entry !== undefined && entry & flags.present ? entry : 'fault';
}

const target = (physical: number, ram: PhysicalRam): Walked =>
  ram.isAbsent(physical >>> 12) ? { absent: physical >>> 12 } : { physical };
