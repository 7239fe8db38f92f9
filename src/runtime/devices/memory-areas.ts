/** The named parts of the guest's memory. */
import type { MemoryArea } from '../../protocol/abi.ts';

const mebibyte = 1 << 20;
/** End of a larger BIOS image below 1 MiB that no ROM covers. */
const maxBiosBytes = 128 * 1024;
const vgaRomAddress = 0xc0000;

/**
 * Returns the firmware, at its address in guest memory, and the data that the guest reads through
 * fw_cfg.
 */
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
