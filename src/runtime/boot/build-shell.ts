/** v86 with the devices that a machine's configuration asks for. */
import { CprError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { ScreenTap } from '../devices/screen-tap.ts';
import { guardVirtio } from '../devices/virtio-guard.ts';
import type { DriveOptions } from '../disks/drives.ts';
import { setMac } from '../network/nic.ts';
import { guardShare } from '../ninep/share-guard.ts';
import { keepFilesOut } from '../ninep/share-state.ts';
import { blockOf } from '../shell/blocks.ts';
import { Shell } from '../shell/shell.ts';
import type { V86Wasm } from '../shell/v86-wasm.ts';
import { readySound } from '../sound/sound.ts';
import { keepRamOut } from '../state/device-state.ts';
import type { BootImages } from './image-names.ts';

/** What the parts of a runtime are made of. */
export interface Building {
  V86: V86Constructor;
  wasm: V86Wasm;
  host: RuntimeHost;
  images: BootImages;
  disks: DriveOptions;
  coldBoot: boolean;
  /** Guest RAM is not the shell's to write. */
  incoming: boolean;
}

/**
 * A shell with the devices of the machine's configuration.
 * @param memory where; by default in scratch memory
 */
export async function buildShell(
  { V86, wasm, host, images, disks, coldBoot, incoming }: Building,
  memory = host.scratch,
): Promise<{ shell: Shell; screen: ScreenTap }> {
  const vga = () => shell.cpu.devices.vga;
  const screen = new ScreenTap({
    emit: host.emit,
    fill: () => vga().screen_fill_buffer(),
    redraw: () => vga().complete_redraw(),
  });
  const shell: Shell = await Shell.create({
    V86,
    wasm,
    memory,
    runtimeBytes: host.runtimeBytes,
    ram: blockOf(host, 'pc.ram'),
    vram: blockOf(host, 'vga.vram'),
    machine: machineOptions(host, images, disks, coldBoot),
    screen,
    clock: host.clock,
    leavesRam: incoming,
  });
  return { shell, screen };
}

/** Makes a new shell one whose state is that of its devices alone, and of this machine. */
export function readyDevices({ cpu }: Shell, host: RuntimeHost): void {
  keepRamOut(cpu);
  guardVirtio(cpu);
  guardShare(cpu, host);
  keepFilesOut(cpu, host);
  if (host.config.sound) readySound(cpu);
  if (host.config.mac) setMac(cpu.devices, host.config.mac);
}

/** Guest RAM must be where the machine's first runtime put it. */
export function checkPlacement(host: RuntimeHost, shell: Shell): void {
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
