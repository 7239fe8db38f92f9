/** The runtime's side of the keeper's ABI: see src/protocol/abi.ts. */
import xxhash from 'xxhash-wasm';
import type { PreparedRuntime, PrepareRequest, RuntimeHost } from '../protocol/abi.ts';
import type { Digest } from '../vmstate/vmstate.ts';
import { bootRanges, imagesOfDevices, loadImages } from './boot/boot-images.ts';
import { type Building, buildCore, checkPlacement, readyDevices } from './boot/build-core.ts';
import { KernelImage } from './boot/kernel-image.ts';
import { blockOf, pageStore } from './core/blocks.ts';
import { PageOps, type Range } from './core/page-ops.ts';
import type { V86Core } from './core/v86-core.ts';
import { compileV86Wasm, type V86Wasm } from './core/v86-wasm.ts';
import { yieldToEventLoop } from './core/yield-to-event-loop.ts';
import { Drives } from './disks/drives.ts';
import { prepareIncoming } from './first-runtime.ts';
import { checkNetwork } from './network/network.ts';
import { rehearse } from './prepare/rehearse.ts';
import { type GuestPages, ScratchMemory } from './prepare/scratch-memory.ts';
import { warmUp } from './prepare/warm-up.ts';
import { warmUpDisk } from './prepare/warm-up-disk.ts';
import { readIncoming } from './state/incoming.ts';
import { V86Runtime, type V86RuntimeParts } from './v86-runtime.ts';

/** Compiled once per module: a runtime that is used again starts warm. */
const compiled = new Map<string, Promise<V86Wasm>>();

let digest: Promise<Digest> | undefined;

function compile(request: PrepareRequest): Promise<V86Wasm> {
  let promise = compiled.get(request.wasmUrl);
  if (!promise) {
    promise = compileV86Wasm(request);
    compiled.set(request.wasmUrl, promise);
    promise.catch(() => compiled.delete(request.wasmUrl));
  }
  return promise;
}

export async function prepareRuntime(
  V86: V86Constructor,
  v86Version: string,
  host: RuntimeHost,
  request: PrepareRequest,
): Promise<PreparedRuntime> {
  checkNetwork(host.config);
  digest ??= xxhash().then(({ h64Raw }) => h64Raw);
  const [wasm, hash, images, drives] = await Promise.all([
    compile(request),
    digest,
    loadImages(host, imagesOfDevices(host, request), request.signal),
    Drives.open(host, request),
  ]);
  const { coldBoot, incoming = false, unhurried = false, signal } = request;
  const disks = drives.options;
  const building = { V86, wasm, host, images, disks, coldBoot, incoming };
  const kernel = new KernelImage({ V86, wasm, host });
  const wasmDigest = wasm.digest;
  const parts = { host, V86, kernel, drives, v86Version, wasmDigest, digest: hash };
  if (coldBoot && incoming) return prepareIncoming(building, parts, { isRehearsed: unhurried });
  const scratch = new ScratchMemory(host);
  try {
    return await prepareInScratch(building, parts, scratch, signal);
  } catch (thrown) {
    // The next runtime's allocator relies on fresh memory being zero.
    scratch.wipe();
    throw thrown;
  }
}

/**
 * Prepares a runtime beside the present one, whose part of the guest's memory stays its own until
 * the end.
 */
async function prepareInScratch(
  building: Building,
  parts: Omit<V86RuntimeParts, 'core' | 'screen' | 'ops' | 'template'>,
  scratch: ScratchMemory,
  signal: AbortSignal | undefined,
): Promise<PreparedRuntime> {
  const { wasm, host, images, coldBoot } = building;
  const { kernel, digest: hash } = parts;
  if (!coldBoot && !wasm.warm) {
    await warmUpInScratch(building, scratch, signal);
    wasm.warm = true;
  }

  const { core, screen } = await buildCore(building);
  checkPlacement(host, core);
  await yieldToEventLoop();
  const staged = pageStore(blockOf(host, 'runtime.incoming'));
  const imagePages = scratch.moveOut(core.ownRanges, staged);
  const boot = bootRanges(images).map(offset(core.ramAddress));
  const guestPages = coldBoot ? scratch.copyGuest(boot) : [];
  readyDevices(core, host);
  if (coldBoot) kernel.keep(core, guestPages.map(inRam(core)));
  else core.cpu.option_roms = kernel.optionRoms;
  // A runtime that boots will save later but load nothing.
  const template = await rehearse(core, host.clock, { loads: !coldBoot });
  scratch.clean(core, boot);
  await yieldToEventLoop();
  core.prepareMove(host.memory);

  const ops = new PageOps(host.memory);
  const takeOver = (): V86Runtime => {
    ops.scatter(staged.list, imagePages, staged.pages);
    core.moveTo(host.memory);
    return new V86Runtime({ ...parts, core, screen, ops, template });
  };
  return {
    boot() {
      const memory = new Uint8Array(host.memory.buffer);
      for (const { address, bytes } of guestPages) memory.set(bytes, address);
      return takeOver();
    },
    load(vmstate) {
      // All of it is read and checked before the guest's memory is changed.
      const state = readIncoming(vmstate, hash, template);
      const machine = takeOver();
      machine.load(state, { isWarm: wasm.warm });
      return machine;
    },
    discard: () => core.destroy(),
  };
}

/** The throwaway guest: same devices, little memory, its own boot floppy. */
const warmUpRamMiB = 16;

async function warmUpInScratch(
  building: Building,
  scratch: ScratchMemory,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { host, images } = building;
  const config = { ...host.config, memoryMiB: warmUpRamMiB, filesystem9p: false };
  const { bios, vgaBios } = images;
  const { core } = await buildCore({
    ...building,
    coldBoot: true,
    host: { ...host, config },
    images: { ...(bios && { bios }), ...(vgaBios && { vgaBios }) },
    disks: { fda: warmUpDisk() },
  });
  await yieldToEventLoop();
  try {
    await warmUp(core, host.clock, signal);
  } finally {
    core.destroy();
    scratch.clean(core, [
      { start: core.ramAddress, end: core.ramAddress + warmUpRamMiB * 1024 * 1024 },
      { start: core.vramAddress, end: core.vramAddress + host.config.vgaMemoryMiB * 1024 * 1024 },
    ]);
  }
}

const offset =
  (by: number) =>
  ({ start, end }: Range): Range => ({ start: start + by, end: end + by });

/** Converts addresses to guest-physical ones. */
const inRam =
  ({ ramAddress }: V86Core) =>
  ({ address, bytes }: GuestPages): GuestPages => ({ address: address - ramAddress, bytes });
