import { HoldfastError } from '../../errors.ts';
import type { RamBlock } from '../../protocol/abi.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { presentBlock } from '../../protocol/lazy-ram.ts';
import { indexBlock } from './checkpoint-source.ts';
import { pageIndexBytes } from './page-scan.ts';

/** A page of a WebAssembly memory. */
export const wasmPageBytes = 64 * 1024;
const mib = 1024 * 1024;
/** Pages that a 32-bit memory can address. */
const maxPages = 65_536;

/** The area of the active runtime: its static data and heap arena. */
const runtimeBytes = 64 * mib;
/** Room for a runtime's data beside a region's contents: alignment, guard words. */
const slackBytes = 256 * 1024;
const planesBytes = 256 * 1024;
/** A parked runtime area, with room for its description. */
const parkingBytes = 80 * mib;

/** Addresses in a machine's memory. They never change while the machine lives. */
interface MemoryLayout {
  runtimeBytes: number;
  blocks: RamBlock[];
  totalPages: number;
  /** The scratch memory has the same addresses, but ends where the guest's blocks end. */
  scratchPages: number;
}

/** @throws HoldfastError `bad-config` for sizes that are out of range. */
export function layOutMemory(
  config: Pick<MachineConfig, 'memoryMiB' | 'vgaMemoryMiB'>,
): MemoryLayout {
  const { memoryMiB, vgaMemoryMiB } = config;
  if (!(Number.isInteger(memoryMiB) && memoryMiB >= 16 && memoryMiB <= 2047)) {
    throw new HoldfastError(
      'bad-config',
      `memoryMiB must be a whole number from 16 to 2047, it is ${memoryMiB}.`,
    );
  }
  if (!(vgaMemoryMiB >= 1 && vgaMemoryMiB <= 256 && Number.isInteger(Math.log2(vgaMemoryMiB)))) {
    throw new HoldfastError(
      'bad-config',
      `vgaMemoryMiB must be a power of two from 1 to 256, it is ${vgaMemoryMiB}.`,
    );
  }

  const blocks: RamBlock[] = [];
  let end = runtimeBytes;
  const add = (name: string, bytes: number) => {
    const sizeBytes = Math.ceil(bytes / wasmPageBytes) * wasmPageBytes;
    blocks.push({ name, address: end, sizeBytes });
    end += sizeBytes;
  };
  add('pc.ram', memoryMiB * mib + slackBytes);
  add('vga.vram', vgaMemoryMiB * mib + slackBytes);
  add('vga.planes', planesBytes);
  const guestBytes = end - runtimeBytes;
  const scratchPages = end / wasmPageBytes;
  add('runtime.parked', parkingBytes);
  add('runtime.incoming', parkingBytes);
  add(indexBlock, pageIndexBytes(guestBytes / 4096));
  add(presentBlock, memoryMiB * 256);

  const totalPages = end / wasmPageBytes;
  if (totalPages > maxPages) {
    throw new HoldfastError(
      'bad-config',
      `The machine needs ${end / mib} MiB of memory, more than the 4096 MiB that WebAssembly can address.`,
    );
  }
  return { runtimeBytes, blocks, totalPages, scratchPages };
}

/** Returns the blocks that the guest sees; the others are for runtimes and the keeper. */
export function guestBlocks(blocks: readonly RamBlock[]): RamBlock[] {
  return blocks.filter(({ name }) => name.startsWith('pc.') || name.startsWith('vga.'));
}

interface MachineMemory {
  layout: MemoryLayout;
  memory: WebAssembly.Memory;
  scratch: WebAssembly.Memory;
}

/**
 * Reserves the address space; the operating system commits pages as they are touched.
 * @throws HoldfastError `out-of-memory`, or `bad-config` from {@link layOutMemory}.
 */
export function allocateMemory(config: MachineConfig): MachineMemory {
  const layout = layOutMemory(config);
  const { totalPages, scratchPages } = layout;
  try {
    return { layout, memory: sharedMemory(totalPages), scratch: sharedMemory(scratchPages) };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    const needMiB = Math.ceil(((totalPages + scratchPages) * wasmPageBytes) / mib);
    throw new HoldfastError(
      'out-of-memory',
      `The browser has no room for this guest: ${config.memoryMiB} MiB of RAM and ` +
        `${config.vgaMemoryMiB} MiB of VGA memory take ${needMiB} MiB of address space. ` +
        'Choose less memory, or close other tabs.',
      { cause: thrown },
    );
  }
}

function sharedMemory(pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
