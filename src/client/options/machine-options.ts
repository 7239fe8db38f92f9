/** Options of {@link createMachine}: all are optional but a source to boot from. */
import type {
  BootDevice,
  CpuOptions,
  DriveSource,
  ImageSource,
  NetworkBackend,
} from '../../protocol/config.ts';
import type { KeyboardLayout } from '../../protocol/keyboard-layouts.ts';
import type { MachineLimits } from '../../protocol/limits.ts';

/**
 * A file that is needed as a whole: its address, relative to the page; a file that the user picked;
 * or its bytes.
 */
export type ImageInput = string | URL | Blob | Uint8Array | ArrayBuffer | ImageSource;

/**
 * A disk: as {@link ImageInput}, but a picked file is read in slices, when the guest reads them; or
 * one that is fetched in ranges or parts, or is empty, see {@link DriveSource}.
 */
export type DiskInput = ImageInput | DriveSource;

/** A file for the 9p share, at its path in there. */
export interface ShareFile {
  path: string;
  file: Blob;
}

/**
 * Initial contents of the 9p share, which are copied into it:
 * - `true`: nothing; `false`: there is no share
 * - an index of v86's format (`fs.json`), and where its files are
 * - the files of a local folder, as of an `<input type="file" webkitdirectory>`
 */
export type ShareInput =
  | boolean
  | { index: string; base?: string }
  | { files: readonly ShareFile[] }
  | readonly File[];

/** The same names in the API, in the attributes of `<holdfast-guest>` and in the page's address. */
export interface MachineOptions {
  /** For people. Default: the name of what it boots. */
  name?: string;
  /** Guest RAM in MiB, 16 to 2047. Default 128. */
  memoryMiB?: number;
  /** VGA memory in MiB, a power of two from 1 to 256. Default 8. */
  vgaMemoryMiB?: number;
  cpu?: CpuOptions;
  /** Default false. */
  acpi?: boolean;
  /** Default: the floppy first, else the hard disk. */
  bootOrder?: readonly BootDevice[];
  /** Instead of SeaBIOS. */
  bios?: ImageInput;
  vgaBios?: ImageInput;
  /** A Linux kernel, or another image with its boot protocol. */
  bzImage?: ImageInput;
  /** A kernel in the Multiboot format, version 1. */
  multiboot?: ImageInput;
  /** Only with `bzImage` or `multiboot`. */
  initrd?: ImageInput;
  /** Only with `bzImage` or `multiboot`. */
  cmdline?: string;
  hda?: DiskInput;
  /** Only with `hda`. */
  hdb?: DiskInput;
  cdrom?: DiskInput;
  /** Floppies, up to 3.75 MB. */
  fda?: DiskInput;
  fdb?: DiskInput;
  /** Default true: an empty share with the tag `host9p`. */
  filesystem9p?: ShareInput;
  /** 1 to 4. Default 2; the agent listens on the second. */
  serialPorts?: number;
  /** Default true. */
  virtioConsole?: boolean;
  /**
   * A Sound Blaster 16 (port 220h, IRQ 5, DMA 1 and 5) and the PC speaker can be heard, see
   * {@link Machine.sound}. Default false.
   */
  sound?: boolean;
  /**
   * Keyboard layout that the guest is set to. Pasted text is typed with that keyboard's keys.
   * Default `us`.
   */
  keyboardLayout?: KeyboardLayout;
  /** The network device. Default `ne2k`. */
  network?: 'none' | 'ne2k' | 'virtio';
  /** Where its cable ends. Default: nowhere. */
  networkBackend?: NetworkBackend | NetworkBackend['kind'];
  /** As `00:22:15:aa:bb:cc`; random by default. */
  mac?: string;
  /** Checkpoints in the browser's storage: the guest comes back when everything ended. Default false. */
  durable?: boolean;
  /** Suspends the guest once no page has been visible for this long, ms. */
  suspendWhenHiddenMs?: number;
  /** Limits of the guest. Default: 256 MiB of the 9p share, 4 GiB written to disks. */
  limits?: MachineLimits;
  /** Refuses to start with anything that could later block `cprSave`. */
  onlyCprCapable?: boolean;
}

/** An option that is not acceptable. */
export interface OptionProblem {
  /** Its name, as `memoryMiB`. */
  option: string;
  /** The value that was given, for people. */
  given: string;
  /** The allowed values; completes the sentence "… may be". */
  allowed: string;
}
