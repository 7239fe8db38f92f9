/** The memory that the CPU uses to deliver an interrupt. */

type InterruptCpu = Pick<
  V86Cpu,
  | 'cr'
  | 'cpl'
  | 'flags'
  | 'idtr_offset'
  | 'idtr_size'
  | 'gdtr_offset'
  | 'gdtr_size'
  | 'segment_offsets'
  | 'stack_size_32'
  | 'tss_size_32'
  | 'reg32'
>;

/** Linear addresses, in the order of need. */
export interface Span {
  address: number;
  length: number;
}

const protectedMode = 1;
const virtual8086 = 1 << 17;
/** An interrupt pushes at most 10 dwords. */
const frameBytes = 64;
const segment = { ss: 2, tr: 6 } as const;
const esp = 4;
/** ESP0 and SS0 of a TSS are in its first bytes. */
const tssBytes = 16;

/**
 * The vector is not known, so these are all gates and all segments. Local descriptor tables and the
 * stacks of levels 1 and 2 are left out: no known system delivers an interrupt by them.
 * @param readStack returns ESP0 at a linear address of the TSS, or undefined while that is absent
 */
export function interruptNeeds(
  cpu: InterruptCpu,
  readStack: (address: number) => number | undefined,
): Span[] {
  const { cr, cpl, flags, segment_offsets: base, reg32 } = cpu;
  const is32 = (cpu.stack_size_32[0] ?? 0) !== 0;
  const top = reg32[esp] ?? 0;
  const present = frameBelow((base[segment.ss] ?? 0) + (is32 ? top : top & 0xffff));
  // Real mode: the vectors are in the first MiB, which is always there.
  if (!((cr[0] ?? 0) & protectedMode)) return [present];
  const tables = [
    { address: (cpu.idtr_offset[0] ?? 0) >>> 0, length: ((cpu.idtr_size[0] ?? 0) & 0xffff) + 1 },
    { address: (cpu.gdtr_offset[0] ?? 0) >>> 0, length: ((cpu.gdtr_size[0] ?? 0) & 0xffff) + 1 },
  ];
  const isInner = (cpl[0] ?? 0) > 0 || ((flags[0] ?? 0) & virtual8086) !== 0;
  if (!isInner) return [...tables, present];
  const tss = (base[segment.tr] ?? 0) >>> 0;
  const stack = readStack((tss + ((cpu.tss_size_32[0] ?? 0) !== 0 ? 4 : 2)) >>> 0);
  return [
    ...tables,
    { address: tss, length: tssBytes },
    ...(stack === undefined ? [] : [frameBelow(stack)]),
  ];
}

const frameBelow = (top: number): Span => ({
  address: (top - frameBytes) >>> 0,
  length: frameBytes,
});
