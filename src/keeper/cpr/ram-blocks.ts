import type { MemoryArea, RuntimeInstance } from '../../protocol/abi.ts';
import type { RamBlockInfo } from '../../protocol/keeper-api.ts';
import { guestBlocks } from '../checkpoint/memory-layout.ts';
import { nextTask } from '../checkpoint/slices.ts';
import type { HostBacking } from '../runtimes/gated-host.ts';
import { xxh64 } from './digest.ts';

const mib = 1024 * 1024;
/** Address at which v86 maps the linear frame buffer. */
const frameBufferAddress = 0xe0000000;
const sliceBytes = mib;

/** Lists the guest's memory by name: whole blocks, then their named parts. */
export async function listRamBlocks(
  { config, blocks, memory }: HostBacking,
  instance: RuntimeInstance | undefined,
  options: { digests: boolean; moving: boolean },
): Promise<RamBlockInfo[]> {
  const guestMemory: Record<string, { guestAddress: number; sizeBytes: number } | undefined> = {
    'pc.ram': { guestAddress: 0, sizeBytes: config.memoryMiB * mib },
    'vga.vram': { guestAddress: frameBufferAddress, sizeBytes: config.vgaMemoryMiB * mib },
  };
  const list: (RamBlockInfo & { bytes?: Uint8Array })[] = [];
  for (const { name, address, sizeBytes } of guestBlocks(blocks)) {
    list.push({ name, address, sizeBytes, ...guestMemory[name] });
  }
  // Without the boot images the rest can still be listed.
  await instance?.bringBootImages?.().catch(() => {});
  for (const area of instance?.memoryAreas?.() ?? []) list.push(partOf(area));

  const { create64 } = await xxh64();
  const described: RamBlockInfo[] = [];
  for (const { bytes, ...block } of list) {
    if (!options.digests || !instance) {
      described.push(block);
      continue;
    }
    const hash = create64();
    for (const slice of bytes ? [bytes] : slicesOf(block, memory, instance)) {
      hash.update(slice);
      // A running guest must not wait for a digest of all of its memory.
      if (options.moving) await nextTask();
    }
    const digest = `xxh64:${hash.digest().toString(16).padStart(16, '0')}`;
    described.push({ ...block, digest, ...(options.moving && { moving: true }) });
  }
  return described;
}

function* slicesOf(
  { address = 0, sizeBytes, guestAddress }: RamBlockInfo,
  memory: WebAssembly.Memory,
  { commands }: RuntimeInstance,
): Generator<Uint8Array> {
  for (let offset = 0; offset < sizeBytes; offset += sliceBytes) {
    const length = Math.min(sliceBytes, sizeBytes - offset);
    // By the guest's addresses if it has them: a block also has room around its contents that
    // belongs to the runtime.
    if (guestAddress !== undefined) yield commands.readMemory(guestAddress + offset, length);
    else yield new Uint8Array(memory.buffer, address + offset, length);
  }
}

function partOf({
  name,
  sizeBytes,
  guestAddress,
  bytes,
}: MemoryArea): RamBlockInfo & { bytes?: Uint8Array } {
  return {
    name,
    sizeBytes,
    ...(guestAddress !== undefined && { guestAddress, partOf: 'pc.ram' }),
    ...(bytes && { bytes }),
  };
}
