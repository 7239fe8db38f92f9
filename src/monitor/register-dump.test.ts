import { expect, test } from 'vitest';
import type { CpuRegisters, SegmentRegister } from '../protocol/registers.ts';
import { formatRegisters, registerLookup } from './register-dump.ts';

const data: SegmentRegister = { selector: 0x7b, base: 0, limit: 0xffffffff, flags: 0x00f300 };
const registers: CpuRegisters = {
  general: {
    eax: 1,
    ebx: 2,
    ecx: 3,
    edx: 4,
    esi: 5,
    edi: 6,
    ebp: 7,
    esp: 0xc1001000,
  },
  eip: 0xc0100000,
  eflags: 0x246,
  cpl: 0,
  halted: true,
  segments: {
    es: data,
    cs: { selector: 0x60, base: 0, limit: 0xffffffff, flags: 0x409a00 },
    ss: { selector: 0x68, base: 0, limit: 0xffffffff, flags: 0x409300 },
    ds: data,
    fs: { selector: 0, base: 0, limit: 0, flags: 0 },
    gs: data,
    ldt: { selector: 0, base: 0, limit: 0, flags: 0 },
    tr: { selector: 0x80, base: 0xff801000, limit: 0x206b, flags: 0x8b00 },
  },
  gdt: { base: 0xff800000, limit: 0xff },
  idt: { base: 0xff7fe000, limit: 0x7ff },
  cr0: 0x80050033,
  cr2: 0,
  cr3: 0x1000,
  cr4: 0x690,
  debug: [0, 0, 0, 0, 0, 0, 0xffff0ff0, 0x400],
  fpu: {
    controlWord: 0x37f,
    statusWord: 0x3800,
    tagWord: 0x80,
    registers: Array.from({ length: 8 }, (_, index) => ({
      mantissa: index === 7 ? 0x8000000000000000n : 0n,
      signExponent: index === 7 ? 0x3fff : 0,
    })),
  },
  mxcsr: 0x1f80,
  xmm: Array.from({ length: 8 }, (_, index) => BigInt(index)),
};

test("registers are shown in QEMU's manner", () => {
  expect(formatRegisters(registers).join('\n')).toBe(
    `
EAX=00000001 EBX=00000002 ECX=00000003 EDX=00000004
ESI=00000005 EDI=00000006 EBP=00000007 ESP=c1001000
EIP=c0100000 EFL=00000246 [---Z-P-] CPL=0 HLT=1
ES =007b 00000000 ffffffff 0000f300 DPL=3 DS   [-WA]
CS =0060 00000000 ffffffff 00409a00 DPL=0 CS32 [-R-]
SS =0068 00000000 ffffffff 00409300 DPL=0 DS   [-WA]
DS =007b 00000000 ffffffff 0000f300 DPL=3 DS   [-WA]
FS =0000 00000000 00000000 00000000
GS =007b 00000000 ffffffff 0000f300 DPL=3 DS   [-WA]
LDT=0000 00000000 00000000 00000000
TR =0080 ff801000 0000206b 00008b00 DPL=0 TSS32-busy
GDT=     ff800000 000000ff
IDT=     ff7fe000 000007ff
CR0=80050033 CR2=00000000 CR3=00001000 CR4=00000690
DR0=00000000 DR1=00000000 DR2=00000000 DR3=00000000
DR6=ffff0ff0 DR7=00000400
FCW=037f FSW=3800 [ST=7] FTW=80 MXCSR=00001f80
FPR0=0000000000000000 0000 FPR1=0000000000000000 0000
FPR2=0000000000000000 0000 FPR3=0000000000000000 0000
FPR4=0000000000000000 0000 FPR5=0000000000000000 0000
FPR6=0000000000000000 0000 FPR7=8000000000000000 3fff
XMM00=00000000000000000000000000000000 XMM01=00000000000000000000000000000001
XMM02=00000000000000000000000000000002 XMM03=00000000000000000000000000000003
XMM04=00000000000000000000000000000004 XMM05=00000000000000000000000000000005
XMM06=00000000000000000000000000000006 XMM07=00000000000000000000000000000007
`.trim(),
  );
});

test('in real mode a segment has no type', () => {
  const lines = formatRegisters({ ...registers, cr0: 0x10 });
  expect(lines).toContain('ES =007b 00000000 ffffffff 0000f300');
});

test('expressions find registers by name', () => {
  const lookup = registerLookup(registers);
  expect(['esp', 'pc', 'cs', 'cr3', 'xyz'].map(lookup)).toEqual([
    0xc1001000,
    0xc0100000,
    0x60,
    0x1000,
    undefined,
  ]);
});
