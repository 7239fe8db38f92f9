/** The guest's CPU as a debugger sees it. All numbers are unsigned. */

export type GeneralRegister = 'eax' | 'ebx' | 'ecx' | 'edx' | 'esi' | 'edi' | 'ebp' | 'esp';
export type SegmentName = 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs' | 'ldt' | 'tr';

export interface SegmentRegister {
  selector: number;
  /** As cached by the CPU when the selector was loaded. */
  base: number;
  /** In bytes, granularity applied. */
  limit: number;
  /**
   * The second dword of the descriptor without its base and limit. The access byte is in bits 8 to
   * 15, D/B of CS and SS in bit 22.
   */
  flags: number;
}

export interface DescriptorTable {
  base: number;
  limit: number;
}

export interface CpuRegisters {
  general: Record<GeneralRegister, number>;
  eip: number;
  eflags: number;
  /** Current privilege level. */
  cpl: number;
  halted: boolean;
  segments: Record<SegmentName, SegmentRegister>;
  gdt: DescriptorTable;
  idt: DescriptorTable;
  cr0: number;
  cr2: number;
  cr3: number;
  cr4: number;
  /** DR0 to DR7. */
  debug: readonly number[];
  fpu: {
    controlWord: number;
    /** With the top of the stack in bits 11 to 13. */
    statusWord: number;
    /** One bit for each physical register, set if the register is in use. */
    tagWord: number;
    /** The 8 physical registers: 64-bit mantissa, and sign and exponent in 16 bits. */
    registers: readonly { mantissa: bigint; signExponent: number }[];
  };
  mxcsr: number;
  /** XMM0 to XMM7, 128 bits each. */
  xmm: readonly bigint[];
}
