/** A boot floppy for tests: puts known values into registers, then waits for the power button. */

const origin = 0x7c00;
const gdtrOffset = 500;
const gdt = { base: 0x9000, limit: 0x27 };
const floppyBytes = 1440 * 1024;
/** IRQ 9, as set by the BIOS. */
const sciVector = 0x71;

interface RegisterProbe {
  image: Uint8Array;
  /** Set last: a reader that sees it can read the others. */
  eax: number;
  gdt: { base: number; limit: number };
  /**
   * Address of the guest's wait loop. Its handler of the power button writes `P` to the first
   * serial port.
   */
  loopAddress: number;
}

export function registerProbe(): RegisterProbe {
  const eax = 0x9abcdef0;
  const handlerOffset = 79;
  const word = (value: number) => [value & 0xff, value >> 8];
  const setUp = [
    [0xfa], // cli
    [0x66, 0xbb, 0x78, 0x56, 0x34, 0x12], // mov ebx, 0x12345678
    [0x0f, 0x20, 0xe0, 0x0d, 0x00, 0x02, 0x0f, 0x22, 0xe0], // cr4 |= OSFXSR
    [0x66, 0x0f, 0x6e, 0xcb], // movd xmm1, ebx
    [0xdb, 0xe3, 0xd9, 0xe8], // fninit; fld1
    [0xb8, 0x00, 0xb8, 0x8e, 0xc0], // mov ax, 0xb800; mov es, ax
    [0x31, 0xc0, 0x8e, 0xd8], // xor ax, ax; mov ds, ax
    [0x0f, 0x01, 0x16, ...word(origin + gdtrOffset)], // lgdt
    [0xc7, 0x06, ...word(sciVector * 4), ...word(origin + handlerOffset)], // the handler's offset
    [0xc7, 0x06, ...word(sciVector * 4 + 2), 0, 0], // and segment
    [0xba, 0x02, 0xb0, 0xb8, 0x00, 0x01, 0xef], // PM1_EN = PWRBTN_EN
    [0xe4, 0xa1, 0x24, 0xfd, 0xe6, 0xa1], // unmask IRQ 9
    [0xe4, 0x21, 0x24, 0xfb, 0xe6, 0x21], // and the cascade
    [0xf9, 0xfb], // stc; sti
    [0x66, 0xb8, ...word(eax & 0xffff), ...word(eax >>> 16)], // mov eax, …
  ].flat();
  const handler = [
    [0x50, 0x52], // push ax; push dx
    [0xb0, 0x50, 0xba, 0xf8, 0x03, 0xee], // COM1 = 'P'
    [0xba, 0x00, 0xb0, 0xb8, 0x00, 0x01, 0xef], // PM1_STS: clear PWRBTN_STS
    [0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20], // end of interrupt
    [0x5a, 0x58, 0xcf], // pop dx; pop ax; iret
  ].flat();
  const program = [...setUp, 0xeb, 0xfe, ...handler]; // jmp $
  if (setUp.length + 2 !== handlerOffset)
    throw new Error(`The handler begins at ${setUp.length + 2}.`);
  const image = new Uint8Array(floppyBytes);
  image.set(program);
  image.set([...word(gdt.limit), ...word(gdt.base), 0, 0], gdtrOffset);
  image.set([0x55, 0xaa], 510);
  return { image, eax, gdt, loopAddress: origin + setUp.length };
}
