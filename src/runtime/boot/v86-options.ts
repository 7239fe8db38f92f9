/** Maps a machine's options to those of v86. No other place does. */
import type { RuntimeHost } from '../../protocol/abi.ts';
import type { DriveOptions } from '../disks/drives.ts';
import type { BootImages } from './image-names.ts';

/** Part of `V86Options` (libv86.d.ts). */
export interface V86MachineOptions {
  memory_size: number;
  vga_memory_size: number;
  acpi: boolean;
  bios?: V86Image;
  vga_bios?: V86Image;
  bzimage?: V86Image;
  initrd?: V86Image;
  multiboot?: V86Image;
  fda?: V86Disk;
  fdb?: V86Disk;
  cdrom?: V86Disk;
  hda?: V86Disk;
  hdb?: V86Disk;
  cmdline?: string;
  boot_order?: number;
  cpuid_level?: number;
  disable_jit?: boolean;
  net_device: V86NetDevice;
  virtio_console?: boolean;
  uart1?: boolean;
  uart2?: boolean;
  uart3?: boolean;
  filesystem?: object;
}

/** The options of v86 for a machine. */
export function v86Options(
  host: RuntimeHost,
  images: BootImages,
  disks: DriveOptions,
  coldBoot: boolean,
): V86MachineOptions {
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
