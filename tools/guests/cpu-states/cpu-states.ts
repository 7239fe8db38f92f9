/**
 * Test helpers for the cpuStates guest: its disks, and readers of its memory and its console. The
 * contract is at the top of cpu-states.asm.
 */

const floppyBytes = 80 * 2 * 18 * 512;
/** `DISK_FACTOR` of cpu-states.asm. */
const diskFactor = 0x9e3779b1;

/** Returns a disk with the boot code, and at each offset the data that the guest expects there. */
export function cpuStatesDisk(
  sizeBytes: number,
  boot: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const dwords = Uint32Array.from({ length: sizeBytes / 4 }, (_, i) => Math.imul(i, diskFactor));
  const disk = new Uint8Array(dwords.buffer);
  disk.set(boot);
  return disk;
}

/** The floppy that it boots from. `image` is src/runtime/testing/guests/cpu-states.bin. */
export const cpuStatesFloppy = (image: Uint8Array) => cpuStatesDisk(floppyBytes, image);

/** Commands to the guest, as a letter on its first serial port. */
export const cpuStates = {
  'real-mode': 'r',
  'big-real-mode': 'u',
  floppy: 'y',
  'protected-mode': 'p',
  flags: 'l',
  paging: 'g',
  'pae-paging': 'a',
  'planar-graphics': 'v',
  '256-colour-graphics': 'w',
  'linear-frame-buffer': 'x',
  'rep-string': 's',
  'rep-string-paged': 'S',
  'interrupt-handler': 'i',
  'nested-interrupt': 'I',
  'apic-timer': 't',
  halted: 'h',
  x87: 'f',
  sse: 'z',
  mmx: 'm',
  'ide-pio': 'd',
  'ide-dma': 'D',
  atapi: 'c',
  'atapi-sense': 'C',
} as const;

export type CpuStateName = keyof typeof cpuStates;

/** Address of the guest's published status. */
const header = { address: 0x8000, bytes: 32, magic: 0x49534648 } as const;

export interface CpuStateStatus {
  rounds: number;
  failed: boolean;
  /** Linear addresses of the code whose CPU state is tested. */
  hotStart: number;
  hotEnd: number;
  phase: number;
}

/**
 * @param read `length` bytes of guest-physical memory.
 * @returns undefined before the guest is up.
 */
export function cpuStateStatus(
  read: (address: number, length: number) => Uint8Array,
): CpuStateStatus | undefined {
  const bytes = read(header.address, header.bytes).slice();
  const [magic, , rounds = 0, failed, hotStart = 0, hotEnd = 0, phase = 0] = new Uint32Array(
    bytes.buffer,
  );
  if (magic !== header.magic) return undefined;
  return { rounds, failed: failed !== 0, hotStart, hotEnd, phase };
}
