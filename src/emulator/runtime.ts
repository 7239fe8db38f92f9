/** The emulator's side of the keeper's ABI: see src/protocol/abi.ts. */
import xxhash from 'xxhash-wasm';
import type { Digest } from '../cpr/vmstate.ts';
import { CprError } from '../errors.ts';
import type { PreparedRuntime, PrepareRequest, RuntimeHost } from '../protocol/abi.ts';
import { blockOf, type PageStore, pageStore } from './blocks.ts';
import {
  type BootImage,
  type BootImages,
  bootRanges,
  keptBootImage,
  loadImages,
} from './boot-images.ts';
import { keepRamOut, loadDevices, saveDevices } from './device-state.ts';
import { DeviceTemplate } from './device-template.ts';
import { type DriveOptions, Drives } from './disks/drives.ts';
import { readIncoming } from './incoming.ts';
import { Machine } from './machine.ts';
import { checkNetwork } from './network/network.ts';
import { setMac } from './network/nic.ts';
import { keepFilesOut } from './ninep/share-state.ts';
import { PageOps, type Range } from './page-ops.ts';
import { ScreenTap } from './screen-tap.ts';
import { Shell } from './shell.ts';
import { turn } from './turn.ts';
import { compileV86Wasm, type V86Wasm } from './v86-wasm.ts';
import { warmUp } from './warm-up.ts';
import { warmUpDisk } from './warm-up-disk.ts';

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
    loadImages(host, request),
    Drives.open(host, request.signal),
  ]);
  const scratch = new ScratchMemory(host);
  const { coldBoot, incoming = false, signal } = request;
  const disks = drives.options;
  const building = { V86, wasm, host, images, disks, coldBoot, incoming };
  try {
    return await prepareInScratch(building, drives, scratch, hash, v86Version, signal);
  } catch (thrown) {
    // The next runtime's allocator believes that fresh memory is zero.
    scratch.wipe();
    throw thrown;
  }
}

async function prepareInScratch(
  building: Building,
  drives: Drives,
  scratch: ScratchMemory,
  hash: Digest,
  v86Version: string,
  signal: AbortSignal | undefined,
): Promise<PreparedRuntime> {
  const { V86, wasm, host, images, coldBoot, incoming } = building;
  if (!coldBoot && !wasm.warm) {
    await warmUpInScratch(building, scratch, signal);
    wasm.warm = true;
  }

  const { shell, screen } = await buildShell(building);
  checkPlacement(host, shell);
  if (!incoming) await turn();
  const staged = pageStore(blockOf(host, 'runtime.incoming'));
  const imagePages = scratch.moveOut(shell.ownRanges, staged);
  const boot = bootRanges(images).map(offset(shell.ramAddress));
  const guestPages = coldBoot ? scratch.copyGuest(boot) : [];
  keepRamOut(shell.cpu);
  keepFilesOut(shell.cpu, host);
  if (host.config.mac) setMac(shell.cpu.devices, host.config.mac);
  if (coldBoot) {
    keepForReset(host, shell, guestPages);
  } else {
    const kept = host.kept.get('boot.optionRoms') as V86Cpu['option_roms'] | undefined;
    shell.cpu.option_roms = kept ?? [];
  }
  // A guest that is waited for gains nothing from a rehearsal.
  const template = incoming
    ? new DeviceTemplate(saveDevices(shell.cpu, host.clock))
    : await rehearse(shell, host.clock, coldBoot);
  scratch.clean(shell, boot);
  if (!incoming) await turn();
  shell.prepareMove(host.memory);

  const ops = new PageOps(host.memory);
  const takeOver = (): Machine => {
    ops.scatter(staged.list, imagePages, staged.pages);
    shell.moveTo(host.memory);
    return new Machine({
      ...{ host, V86, shell, screen, ops, images, drives, v86Version },
      wasmDigest: wasm.digest,
      digest: hash,
      template,
    });
  };
  return {
    boot() {
      const memory = new Uint8Array(host.memory.buffer);
      for (const { address, bytes } of guestPages) memory.set(bytes, address);
      return takeOver();
    },
    load(vmstate) {
      // All of it is read and checked before the guest's memory is touched.
      const state = readIncoming(vmstate, hash, template);
      const machine = takeOver();
      machine.load(state, { isWarm: wasm.warm });
      return machine;
    },
    discard: () => shell.destroy(),
  };
}

/** Of a machine's first runtime: what later ones find where this one found images. */
function keepForReset(host: RuntimeHost, shell: Shell, guestPages: readonly GuestPages[]): void {
  host.kept.set('boot.optionRoms', shell.cpu.option_roms);
  // v86 loads its firmware again by itself, but forgets the kernel, which comes after it.
  const [, ...kernel] = guestPages;
  const image: BootImage = kernel.map(({ address, bytes }) => ({
    address: address - shell.ramAddress,
    bytes,
  }));
  host.kept.set(keptBootImage, image);
}

interface Building {
  V86: V86Constructor;
  wasm: V86Wasm;
  host: RuntimeHost;
  images: BootImages;
  disks: DriveOptions;
  coldBoot: boolean;
  incoming: boolean;
}

async function buildShell({ V86, wasm, host, images, disks, coldBoot }: Building) {
  const vga = () => shell.cpu.devices.vga;
  const screen = new ScreenTap({
    emit: host.emit,
    fill: () => vga().screen_fill_buffer(),
    redraw: () => vga().complete_redraw(),
  });
  const shell: Shell = await Shell.create({
    V86,
    wasm,
    memory: host.scratch,
    runtimeBytes: host.runtimeBytes,
    ram: blockOf(host, 'pc.ram'),
    vram: blockOf(host, 'vga.vram'),
    machine: machineOptions(host, images, disks, coldBoot),
    screen,
    clock: host.clock,
  });
  return { shell, screen };
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
  const { shell } = await buildShell({
    ...building,
    coldBoot: true,
    host: { ...host, config },
    images: { ...(bios && { bios }), ...(vgaBios && { vgaBios }) },
    disks: { fda: warmUpDisk() },
  });
  await turn();
  try {
    await warmUp(shell, host.clock, signal);
  } finally {
    shell.destroy();
    scratch.clean(shell, [
      { start: shell.ramAddress, end: shell.ramAddress + warmUpRamMiB * 1024 * 1024 },
      { start: shell.vramAddress, end: shell.vramAddress + host.config.vgaMemoryMiB * 1024 * 1024 },
    ]);
  }
}

/**
 * Takes the state of the new shell and gives it back, so that the code which does that is
 * compiled by the time the guest stands still.
 * @param coldBoot such a runtime will save one day, but load nothing
 * @returns what the state of these devices looks like
 */
async function rehearse(
  shell: Shell,
  clock: () => number,
  coldBoot: boolean,
): Promise<DeviceTemplate> {
  for (let round = 0; ; round++) {
    await turn();
    const state = saveDevices(shell.cpu, clock);
    await turn();
    const template = new DeviceTemplate(state);
    if (!coldBoot) loadDevices(shell.cpu, template.read(state), clock);
    if (round === 2) return template;
  }
}

const offset =
  (by: number) =>
  ({ start, end }: Range): Range => ({ start: start + by, end: end + by });

/** Guest RAM must be where the machine's first runtime put it. */
function checkPlacement(host: RuntimeHost, shell: Shell): void {
  const placed = `${shell.ramAddress},${shell.vramAddress}`;
  const before = host.kept.get('runtime.placement');
  if (before === undefined) host.kept.set('runtime.placement', placed);
  else if (before !== placed)
    throw new CprError(
      'runtime-incompatible',
      'This emulator would lay out guest memory differently, so it cannot take this guest over.',
    );
}

function machineOptions(
  host: RuntimeHost,
  images: BootImages,
  disks: DriveOptions,
  coldBoot: boolean,
) {
  const { config } = host;
  const file = (bytes: Uint8Array<ArrayBuffer> | undefined) =>
    // v86 writes into the kernel image it is given.
    bytes ? { buffer: bytes.slice().buffer } : undefined;
  return defined({
    memory_size: config.memoryMiB << 20,
    vga_memory_size: config.vgaMemoryMiB << 20,
    acpi: config.acpi,
    boot_order: config.bootOrder,
    bios: file(images.bios),
    vga_bios: file(images.vgaBios),
    // Over live RAM the kernel must not be loaded again; its option ROM is kept.
    bzimage: coldBoot ? file(inWords(images.bzImage)) : undefined,
    // The Multiboot loader puts nothing anywhere before the firmware asks for it, after a reset too.
    multiboot: file(images.multiboot),
    initrd: coldBoot || images.multiboot ? file(images.initrd) : undefined,
    cpuid_level: config.cpu?.cpuidLevel,
    disable_jit: config.cpu?.jit === false ? true : undefined,
    cmdline: config.cmdline,
    ...disks,
    net_device: { type: config.network },
    virtio_console: config.virtioConsole,
    ...moreSerialPorts(config.serialPorts ?? 1),
    filesystem: config.filesystem9p ? {} : undefined,
  });
}

/** v86 reads a kernel's header as words, of all of the file. */
function inWords(image: Uint8Array<ArrayBuffer> | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (!image || image.length % 4 === 0) return image;
  const padded = new Uint8Array(Math.ceil(image.length / 4) * 4);
  padded.set(image);
  return padded;
}

/** v86 always has the first one. */
function moreSerialPorts(count: number) {
  const port = (number: number) => (count > number ? true : undefined);
  return { uart1: port(1), uart2: port(2), uart3: port(3) };
}

/** v86 tells an absent option from one that is undefined. */
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

interface GuestPages {
  address: number;
  bytes: Uint8Array;
}

/** The memory in which a runtime is made ready. Zero again after each use. */
class ScratchMemory {
  readonly #host: RuntimeHost;
  readonly #ops: PageOps;
  /** Room for lists within scratch memory, past everything a shell touches. */
  readonly #list: number;

  constructor(host: RuntimeHost) {
    this.#host = host;
    this.#ops = new PageOps(host.scratch);
    this.#list = blockOf(host, 'vga.planes').address;
  }

  #addresses(ranges: readonly Range[]): Uint32Array {
    // Lists fit one block of planes: 65,536 pages. Guest RAM is read in parts.
    const count = this.#ops.findNonzero(ranges, this.#list);
    return new Uint32Array(this.#host.scratch.buffer, this.#list, count).slice();
  }

  /** Copies what is in `ranges` to the guest's memory at `to`; returns the page count. */
  moveOut(ranges: readonly Range[], to: PageStore): number {
    const from = new Uint8Array(this.#host.scratch.buffer);
    const target = new Uint8Array(this.#host.memory.buffer);
    const addresses = this.#addresses(ranges);
    new Uint32Array(this.#host.memory.buffer, to.list, addresses.length).set(addresses);
    for (const [i, address] of addresses.entries())
      target.set(from.subarray(address, address + 4096), to.pages + i * 4096);
    return addresses.length;
  }

  copyGuest(ranges: readonly Range[]): GuestPages[] {
    const from = new Uint8Array(this.#host.scratch.buffer);
    return ranges.map(({ start, end }) => ({ address: start, bytes: from.slice(start, end) }));
  }

  /** Zeroes the shell's own part, the first MiB of its RAM, and `ranges`. */
  clean(shell: Shell, more: readonly Range[]): void {
    const lowRam = { start: shell.ramAddress, end: shell.ramAddress + (1 << 20) };
    const ranges = [...shell.ownRanges, lowRam, ...more];
    this.#zero(ranges);
  }

  /** Zeroes everything, whatever a shell that was given up has left. */
  wipe(): void {
    this.#zero([{ start: 0, end: this.#list }]);
  }

  #zero(ranges: readonly Range[]): void {
    const count = this.#ops.findNonzero(ranges, this.#list);
    this.#ops.clear(this.#list, count);
    new Uint8Array(this.#host.scratch.buffer, this.#list, count * 4).fill(0);
  }
}
