/** Reads the guest's memory by physical and by linear address. Intel SDM vol. 3, chapter 4. */

import { HoldfastError } from '../errors.ts';
import { pageBytes } from '../protocol/page-bytes.ts';
import type { CpuRegisters } from '../protocol/registers.ts';
import type { MonitorMachine } from './monitor-machine.ts';

type Memory = Pick<MonitorMachine, 'readMemory'>;

/** Size of one reply of the keeper: small enough not to delay the guest. */
const sliceBytes = 2 ** 20;
const largestSave = 2 ** 31;

const cr0Paging = 1 << 31;
const cr4LargePages = 1 << 4;
const cr4Pae = 1 << 5;
const present = 1n;
const large = 0x80n;
const frameMask = 0xf_ffff_ffff_f000n;

/** @throws HoldfastError `bad-config` if the guest has no memory there */
export async function readPhysical(
  machine: Memory,
  address: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  return gather(sizeBytes, sliceBytes, address, (at, length) => machine.readMemory(at, length));
}

/** @throws HoldfastError `bad-config` if no memory is mapped there */
export async function readLinear(
  machine: Memory,
  registers: CpuRegisters,
  address: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  return gather(sizeBytes, pageBytes, address, async (at, length) => {
    const physical = await toPhysical(machine, registers, at);
    if (physical !== undefined) return machine.readMemory(physical, length);
    throw new HoldfastError(
      'bad-config',
      `Cannot access memory: nothing is mapped at 0x${at.toString(16)}.`,
    );
  });
}

/** Returns undefined for an address that is not mapped. */
export async function toPhysical(
  machine: Memory,
  { cr0, cr3, cr4 }: Pick<CpuRegisters, 'cr0' | 'cr3' | 'cr4'>,
  linear: number,
): Promise<number | undefined> {
  if ((cr0 & cr0Paging) === 0) return linear;
  const entry = async (table: bigint, index: number, bytes: 4 | 8) => {
    const memory = await machine.readMemory(Number(table) + index * bytes, bytes);
    const view = new DataView(memory.buffer, memory.byteOffset);
    return bytes === 4 ? BigInt(view.getUint32(0, true)) : view.getBigUint64(0, true);
  };
  const isPae = (cr4 & cr4Pae) !== 0;
  // For each level: the number of address bits of its index and of everything below it.
  const [entryBytes, directoryBits, indexMask] = isPae
    ? ([8, 21, 0x1ff] as const)
    : ([4, 22, 0x3ff] as const);
  let directory = BigInt((cr3 & 0xffff_f000) >>> 0);
  if (isPae) {
    const pointer = await entry(BigInt((cr3 & 0xffff_ffe0) >>> 0), linear >>> 30, 8);
    if ((pointer & present) === 0n) return undefined;
    directory = pointer & frameMask;
  }
  const table = await entry(directory, (linear >>> directoryBits) & indexMask, entryBytes);
  if ((table & present) === 0n) return undefined;
  if ((table & large) !== 0n && (isPae || (cr4 & cr4LargePages) !== 0)) {
    const offsetMask = (1n << BigInt(directoryBits)) - 1n;
    return Number((table & frameMask & ~offsetMask) | (BigInt(linear) & offsetMask));
  }
  const page = await entry(table & frameMask, (linear >>> 12) & indexMask, entryBytes);
  if ((page & present) === 0n) return undefined;
  return Number((page & frameMask) | BigInt(linear & 0xfff));
}

/** Reads in pieces that do not cross a multiple of `pieceBytes`. */
async function gather(
  sizeBytes: number,
  pieceBytes: number,
  address: number,
  read: (address: number, length: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (sizeBytes > largestSave)
    throw new HoldfastError('bad-command', `${sizeBytes} bytes are more than any guest has.`);
  const pieces: Uint8Array[] = [];
  for (let at = address; at < address + sizeBytes; ) {
    const length = Math.min(pieceBytes - (at % pieceBytes), address + sizeBytes - at);
    pieces.push(await read(at, length));
    at += length;
  }
  const whole = new Uint8Array(sizeBytes);
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}
