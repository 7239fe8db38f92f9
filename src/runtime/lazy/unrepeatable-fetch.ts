/**
 * `POP` into memory. v86 moves the stack pointer before it reads the rest of the instruction. If that
 * is on the next page and faults, the instruction would move it again.
 */
import { pageBytes } from '../../protocol/page-bytes.ts';
import type { LinearMemory } from './linear-memory.ts';

const pop = 0x8f;
const prefixes = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

const pageOf = (address: number) => Math.floor(address / pageBytes);

/** @param linear the address that v86 needs now */
export function isUnrepeatableFetch(
  { instruction_pointer, previous_ip }: Pick<V86Cpu, 'instruction_pointer' | 'previous_ip'>,
  memory: Pick<LinearMemory, 'read32'>,
  linear: number,
): boolean {
  const next = (instruction_pointer[0] ?? 0) >>> 0;
  const start = (previous_ip[0] ?? 0) >>> 0;
  if (linear !== next || pageOf(start) === pageOf(next)) return false;
  for (let address = start; pageOf(address) === pageOf(start); address++) {
    const word = memory.read32(address & ~3);
    const byte = ((word ?? 0) >>> ((address & 3) * 8)) & 0xff;
    if (!prefixes.has(byte)) return byte === pop;
  }
  return false;
}
