/** Reads the CPU's registers from v86's fields. */
import type { CpuRegisters, SegmentName, SegmentRegister } from '../../protocol/registers.ts';

/** v86's order, and the CPU's in its instruction encoding. */
const generalOrder = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
const segmentOrder = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'tr', 'ldt'] as const;
/** The D/B bit of a descriptor's second dword. */
const bigFlag = 1 << 22;
/** Present, of privilege 0. Intel SDM vol. 3, table 3-2. */
const accessByte = { ldt: 0x82, busyTss16: 0x83, busyTss32: 0x8b } as const;
const fpuRegisterWords = 4;

/** Reads the registers. Call this between two slices of the guest. */
export function readRegisters(cpu: V86Cpu): CpuRegisters {
  const general = Object.fromEntries(
    generalOrder.map((name, index) => [name, at(cpu.reg32, index)]),
  ) as CpuRegisters['general'];
  const segments = Object.fromEntries(
    segmentOrder.map((name, index) => [name, segment(cpu, name, index)]),
  ) as CpuRegisters['segments'];
  return {
    general,
    eip: cpu.get_real_eip() >>> 0,
    eflags: cpu.get_eflags() >>> 0,
    cpl: at(cpu.cpl, 0),
    halted: at(cpu.in_hlt, 0) !== 0,
    segments,
    gdt: { base: at(cpu.gdtr_offset, 0), limit: at(cpu.gdtr_size, 0) },
    idt: { base: at(cpu.idtr_offset, 0), limit: at(cpu.idtr_size, 0) },
    cr0: at(cpu.cr, 0),
    cr2: at(cpu.cr, 2),
    cr3: at(cpu.cr, 3),
    cr4: at(cpu.cr, 4),
    debug: Array.from({ length: 8 }, (_, index) => at(cpu.dreg, index)),
    fpu: {
      controlWord: at(cpu.fpu_control_word, 0) & 0xffff,
      statusWord: cpu.fpu_load_status_word() & 0xffff,
      tagWord: ~at(cpu.fpu_stack_empty, 0) & 0xff,
      registers: Array.from({ length: 8 }, (_, index) => ({
        mantissa: joinWords(cpu.fpu_st, index * fpuRegisterWords, 2),
        signExponent: at(cpu.fpu_st, index * fpuRegisterWords + 2) & 0xffff,
      })),
    },
    mxcsr: at(cpu.mxcsr, 0),
    xmm: Array.from({ length: 8 }, (_, index) => joinWords(cpu.reg_xmm32s, index * 4, 4)),
  };
}

function segment(cpu: V86Cpu, name: SegmentName, index: number): SegmentRegister {
  return {
    selector: at(cpu.sreg, index),
    base: at(cpu.segment_offsets, index),
    limit: at(cpu.segment_limits, index),
    flags: segmentFlags(cpu, name, index),
  };
}

/**
 * Returns a segment's flags. v86 stores no access byte for system segments, and D/B only as the CPU
 * uses it.
 */
function segmentFlags(cpu: V86Cpu, name: SegmentName, index: number): number {
  if (name === 'tr')
    return (at(cpu.tss_size_32, 0) ? accessByte.busyTss32 : accessByte.busyTss16) << 8;
  if (name === 'ldt') return at(cpu.sreg, index) === 0 ? 0 : accessByte.ldt << 8;
  const isBig = (name === 'cs' && cpu.is_32[0]) || (name === 'ss' && cpu.stack_size_32[0]);
  return (at(cpu.segment_access_bytes, index) << 8) | (isBig ? bigFlag : 0);
}

function at(values: ArrayLike<number>, index: number): number {
  return (values[index] ?? 0) >>> 0;
}

/** Little-endian 32-bit words as one number. */
function joinWords(words: ArrayLike<number>, from: number, count: number): bigint {
  let value = 0n;
  for (let index = count - 1; index >= 0; index--)
    value = (value << 32n) | BigInt(at(words, from + index));
  return value;
}
