/** The parts of the guest's memory that have names of their own. */
import type { MemoryArea } from '../../protocol/abi.ts';

const mebibyte = 1 << 20;
/** Of a larger BIOS image only the end lies below 1 MiB without being covered by ROMs. */
const maxBiosBytes = 128 * 1024;
const vgaRomAddress = 0xc0000;

/** Firmware, where it lies in guest memory, and what the guest reads through fw_cfg instead. */
export function memoryAreas({ bios, option_roms }: V86Cpu): MemoryArea[] {
  const areas: MemoryArea[] = [];
  if (bios.main) {
    const sizeBytes = Math.min(bios.main.byteLength, maxBiosBytes);
    areas.push({ name: 'pc.bios', sizeBytes, guestAddress: mebibyte - sizeBytes });
  }
  if (bios.vga) {
    const sizeBytes = bios.vga.byteLength;
    areas.push({ name: 'vga.rom', sizeBytes, guestAddress: vgaRomAddress });
  }
  for (const { name, data } of option_roms) {
    areas.push({ name: `fw_cfg ${name}`, sizeBytes: data.length, bytes: data });
  }
  return areas;
}
