/** Formats registers in the style of QEMU's `info registers` (target/i386/cpu-dump.c). */
import type {
  CpuRegisters,
  DescriptorTable,
  GeneralRegister,
  SegmentRegister,
} from '../protocol/registers.ts';
import type { RegisterLookup } from './expression.ts';

const cr0ProtectedMode = 1;

/** Bits of the second dword of a descriptor. Intel SDM vol. 3, 3.4.5. */
const flag = {
  accessed: 1 << 8,
  /** Writable data, readable code. */
  writable: 1 << 9,
  /** Data that expands down, conforming code. */
  expandDown: 1 << 10,
  code: 1 << 11,
  /** Code or data, not a system segment. */
  memory: 1 << 12,
  present: 1 << 15,
  big: 1 << 22,
} as const;

const systemTypes = [
  'Reserved',
  'TSS16-avl',
  'LDT',
  'TSS16-busy',
  'CallGate16',
  'TaskGate',
  'IntGate16',
  'TrapGate16',
  'Reserved',
  'TSS32-avl',
  'Reserved',
  'TSS32-busy',
  'CallGate32',
  'Reserved',
  'IntGate32',
  'TrapGate32',
] as const;

const flagLetters = [
  ['D', 10],
  ['O', 11],
  ['S', 7],
  ['Z', 6],
  ['A', 4],
  ['P', 2],
  ['C', 0],
] as const;

export function formatRegisters(cpu: CpuRegisters): string[] {
  const { general, segments, fpu } = cpu;
  const named = (...names: GeneralRegister[]) =>
    names.map((name) => `${name.toUpperCase()}=${hex(general[name])}`).join(' ');
  const efl = flagLetters.map(([letter, bit]) => ((cpu.eflags >> bit) & 1 ? letter : '-')).join('');
  const isProtected = (cpu.cr0 & cr0ProtectedMode) !== 0;
  const top = (fpu.statusWord >> 11) & 7;
  return [
    named('eax', 'ebx', 'ecx', 'edx'),
    named('esi', 'edi', 'ebp', 'esp'),
    `EIP=${hex(cpu.eip)} EFL=${hex(cpu.eflags)} [${efl}] CPL=${cpu.cpl} HLT=${cpu.halted ? 1 : 0}`,
    ...(['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldt', 'tr'] as const).map((name) =>
      segmentLine(name.toUpperCase(), segments[name], isProtected),
    ),
    tableLine('GDT', cpu.gdt),
    tableLine('IDT', cpu.idt),
    `CR0=${hex(cpu.cr0)} CR2=${hex(cpu.cr2)} CR3=${hex(cpu.cr3)} CR4=${hex(cpu.cr4)}`,
    cpu.debug
      .slice(0, 4)
      .map((value, index) => `DR${index}=${hex(value)}`)
      .join(' '),
    `DR6=${hex(cpu.debug[6] ?? 0)} DR7=${hex(cpu.debug[7] ?? 0)}`,
    `FCW=${hex(fpu.controlWord, 4)} FSW=${hex(fpu.statusWord, 4)} [ST=${top}] FTW=${hex(fpu.tagWord, 2)} MXCSR=${hex(cpu.mxcsr)}`,
    ...pairs(
      fpu.registers.map(
        ({ mantissa, signExponent }, index) =>
          `FPR${index}=${mantissa.toString(16).padStart(16, '0')} ${hex(signExponent, 4)}`,
      ),
    ),
    ...pairs(cpu.xmm.map((value, index) => `XMM0${index}=${value.toString(16).padStart(32, '0')}`)),
  ];
}

/** Returns registers by name, for expressions such as `$esp+4`. */
export function registerLookup(cpu: CpuRegisters): RegisterLookup {
  const values = new Map<string, number>(Object.entries(cpu.general));
  for (const [name, { selector }] of Object.entries(cpu.segments)) values.set(name, selector);
  for (const name of ['eip', 'eflags', 'cr0', 'cr2', 'cr3', 'cr4'] as const)
    values.set(name, cpu[name]);
  values.set('pc', cpu.eip);
  return (name) => values.get(name);
}

function segmentLine(name: string, segment: SegmentRegister, isProtected: boolean): string {
  const { selector, base, limit, flags } = segment;
  const line = `${name.padEnd(3)}=${hex(selector, 4)} ${hex(base)} ${hex(limit)} ${hex(flags & 0x00ff_ff00)}`;
  if (!isProtected || (flags & flag.present) === 0) return line;
  return `${line} DPL=${(flags >> 13) & 3} ${segmentType(name, flags)}`;
}

function segmentType(name: string, flags: number): string {
  if ((flags & flag.memory) === 0) return systemTypes[(flags >> 8) & 15]!;
  const isCode = (flags & flag.code) !== 0;
  const isBig = (flags & flag.big) !== 0;
  // For data segments, the D/B bit has a meaning only for the stack.
  const kind = isCode ? (isBig ? 'CS32' : 'CS16') : name === 'SS' && !isBig ? 'DS16' : 'DS  ';
  const bits = [
    (flags & flag.expandDown) !== 0 ? (isCode ? 'C' : 'E') : '-',
    (flags & flag.writable) !== 0 ? (isCode ? 'R' : 'W') : '-',
    (flags & flag.accessed) !== 0 ? 'A' : '-',
  ];
  return `${kind} [${bits.join('')}]`;
}

function tableLine(name: string, { base, limit }: DescriptorTable): string {
  return `${name}=     ${hex(base)} ${hex(limit)}`;
}

/** Joins two items to a line. */
function pairs(items: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < items.length; index += 2)
    lines.push(items.slice(index, index + 2).join(' '));
  return lines;
}

function hex(value: number, digits = 8): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}
