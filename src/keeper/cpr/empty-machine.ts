import { guestBlocks } from '../checkpoint/memory-layout.ts';
import type { GuestParts } from './guest-parts.ts';

/** Clears the machine. The next runtime relies on zeroed memory. */
export function emptyMachine({ backing, consoles, memory: arriving }: GuestParts): void {
  arriving.end();
  const { memory, blocks, pieces, runtimeBytes } = backing;
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0, 0, runtimeBytes);
  for (const { address, sizeBytes } of guestBlocks(blocks)) {
    bytes.fill(0, address, address + sizeBytes);
  }
  for (const name of pieces.names()) pieces.of(name).restore([], 0);
  consoles.restore([]);
}
