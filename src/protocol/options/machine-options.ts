/** Options of {@link createMachine}: all are optional but a source to boot from. */
import type {
  BootDevice,
  DriveSource,
  ImageSource,
  MachineConfig,
  NetworkBackend,
} from '../config.ts';
import type { ImageName } from '../images.ts';

/**
 * A file that is needed as a whole: its address, relative to the page; a file that the user picked;
 * or its bytes.
 */
export type ImageInput = string | URL | Blob | Uint8Array | ArrayBuffer | ImageSource;

/**
 * A disk: as {@link ImageInput}, but a picked file is read in slices, when the guest reads them. See
 * {@link DriveSource} for one that is empty, or fetched in ranges or parts.
 */
export type DiskInput = ImageInput | DriveSource;

/** A file for the 9p share, at its path in there. */
export interface NinepFile {
  path: string;
  file: Blob;
}

/**
 * Initial contents of the 9p share, which are copied into it:
 * - `true`: none. `false`: there is no share.
 * - An index of v86's format (`fs.json`), and the folder of its files.
 * - The files of a local folder, from `<input type="file" webkitdirectory>`.
 */
export type NinepInput =
  | boolean
  | { index: string; base?: string }
  | { files: readonly NinepFile[] }
  | readonly File[];

/** Members of a configuration that are no options. */
type OfKeeper = 'id' | 'lineage' | 'foreign' | 'openedFrom';
/** Options that take more forms than a configuration has. */
type OfMoreForms = ImageName | 'bootOrder' | 'filesystem9p' | 'networkBackend';

/**
 * The same names in the API and in the attributes of `<holdfast-guest>`. What else there is to say of
 * each is in option-table.ts.
 */
export interface MachineOptions extends Partial<Omit<MachineConfig, OfKeeper | OfMoreForms>> {
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
  hda?: DiskInput;
  /** Only with `hda`. */
  hdb?: DiskInput;
  cdrom?: DiskInput;
  /** Floppies, up to 3.75 MB. */
  fda?: DiskInput;
  fdb?: DiskInput;
  /** Default true: an empty share with the tag `host9p`. */
  filesystem9p?: NinepInput;
  /** Where the cable of the network device ends. Default: nowhere. */
  networkBackend?: NetworkBackend | NetworkBackend['kind'];
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
