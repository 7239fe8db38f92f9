import type { RamBlock, RuntimeHost } from '../../protocol/abi.ts';
import { blockOf } from '../core/blocks.ts';

const planeBytes = 65536;

export function planesBlock(host: RuntimeHost): RamBlock {
  return { ...blockOf(host, 'vga.planes'), sizeBytes: 4 * planeBytes };
}

/**
 * Moves the VGA's planes to a RAM block: they are guest memory like any other, but v86 keeps them
 * in JavaScript.
 */
export function usePlanesBlock(host: RuntimeHost, { devices: { vga } }: V86Cpu): void {
  const { address, sizeBytes } = planesBlock(host);
  const { buffer } = host.memory;
  vga.vga_memory = new Uint8Array(buffer, address, sizeBytes);
  vga.plane0 = new Uint8Array(buffer, address, planeBytes);
  vga.plane1 = new Uint8Array(buffer, address + planeBytes, planeBytes);
  vga.plane2 = new Uint8Array(buffer, address + 2 * planeBytes, planeBytes);
  vga.plane3 = new Uint8Array(buffer, address + 3 * planeBytes, planeBytes);
}
