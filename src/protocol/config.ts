/** What a machine is made of. Stored by the keeper; survives runtimes and pages. */

/** A file the guest boots from. URLs are absolute by the time the keeper sees them. */
export interface ImageSource {
  url: string;
  /** Bytes, where known up front: for progress and as a check. */
  sizeBytes?: number;
}

export interface MachineConfig {
  /** Shown to people; no two machines need differ. */
  name: string;
  /** Guest RAM in MiB, 16 to 2047; at least 80 when an initrd is given (v86 puts it at 64 MiB). */
  memoryMiB: number;
  /** VGA memory in MiB, a power of two from 1 to 256. */
  vgaMemoryMiB: number;
  bios: ImageSource;
  vgaBios: ImageSource;
  bzImage?: ImageSource;
  initrd?: ImageSource;
  /** Kernel command line; only with `bzImage`. */
  cmdline?: string;
  /** Floppy image in drive A. */
  fda?: ImageSource;
  /** CD image. */
  cdrom?: ImageSource;
  /** Hard disk image. Writes are kept in the keeper. */
  hda?: ImageSource;
  acpi: boolean;
  network: 'none' | 'ne2k' | 'virtio';
  /** An empty 9p share with the tag `host9p`. */
  filesystem9p: boolean;
  virtioConsole: boolean;
  /** Serial ports of the PC, 1 to 4. The demo guest's agent listens on the second. Default 2. */
  serialPorts?: number;
}

export const defaultConfig = {
  memoryMiB: 128,
  vgaMemoryMiB: 8,
  acpi: false,
  network: 'ne2k',
  filesystem9p: true,
  virtioConsole: true,
  serialPorts: 2,
} as const satisfies Partial<MachineConfig>;
