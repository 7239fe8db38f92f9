/** Configuration of a machine. Stored by the keeper; survives runtimes and pages. */

import type { KeyboardLayout } from './keyboard-layout-names.ts';
import type { MachineLimits } from './machine-limits.ts';

/** A file on a web server. URLs are absolute when they reach the keeper. */
export interface UrlSource {
  url: string;
  /** Size if known in advance: used for progress and as a check. */
  sizeBytes?: number;
}

export interface BytesSource {
  /** Empty in a status, which carries no contents. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Set in a status. */
  sizeBytes?: number;
}

/** Images that the guest boots from: needed as a whole, in memory. */
export type ImageSource = UrlSource | BytesSource;

/**
 * A disk that a server stores as files of equal size. Each file is fetched when the guest reads
 * from it. `https://host/disk.img` in parts of 1 MiB is `https://host/disk-0-1048576.img`,
 * `disk-1048576-2097152.img`… v86's `tools/split-image.py` makes these files. If the name also ends
 * in `.zst` or `.gz` (`https://host/disk.img.zst`), each part is compressed separately.
 */
export interface PartsSource extends UrlSource {
  load: 'parts';
  /** Size of each part except perhaps the last, uncompressed: a multiple of 512. */
  partBytes: number;
}

/**
 * A disk. The keeper stores the guest's writes; the source itself is never written to.
 *
 * - a URL: fetched whole. With `load: 'range'` the guest's reads fetch ranges, from a server that
 *   supports range requests. With `load: 'parts'` they fetch parts. A source that is fetched whole
 *   may be compressed with gzip or zstd, and so may bytes
 * - a file that the user picked: read in parts, when the guest reads them
 * - bytes
 * - a new disk of this size, a multiple of 512
 */
export type DriveSource =
  | (UrlSource & { load?: 'whole' | 'range' })
  | PartsSource
  | { file: Blob }
  | BytesSource
  | { emptyBytes: number };

/** Hard disks, CD, floppies A and B. */
export const driveNames = ['hda', 'hdb', 'cdrom', 'fda', 'fdb'] as const;
export type DriveName = (typeof driveNames)[number];

export const isFloppy = (device: DriveName): device is 'fda' | 'fdb' =>
  device === 'fda' || device === 'fdb';

/** Drives whose medium can be changed while the guest runs. */
export type RemovableDriveName = Exclude<DriveName, 'hda' | 'hdb'>;

/** The host side of the guest's network. Connections that end in the keeper outlive runtimes. */
export type NetworkBackend =
  /** No network: no frame leaves the guest. */
  | { kind: 'none' }
  /**
   * A user-mode network in the keeper that turns the guest's HTTP requests (port 80) into `fetch`.
   * Servers must allow the page's origin (CORS). Otherwise set `corsProxy`, a URL to which the
   * server's URL is appended. `http://8080.external/` is port 8080 of the browser's own computer.
   * No request carries cookies or passwords of the visitor. Requests to the page's own origin are
   * answered with 403 unless `ownOrigin` is true. In Node, so are those to private, link-local and
   * loopback addresses unless `privateAddresses` is true. State files carry neither option.
   */
  | { kind: 'fetch'; corsProxy?: string; ownOrigin?: boolean; privateAddresses?: boolean }
  /**
   * A user-mode network in the keeper whose TCP connections go to a wisp server. `url`: `wisp://`,
   * `wisps://`, `ws://` or `wss://`. Names are resolved over HTTPS at `dohServer`, a host with an
   * optional port, under `/dns-query`. The default is `cloudflare-dns.com`.
   */
  | { kind: 'wisp'; url: string; dohServer?: string }
  /** A hub of all guests of this origin and `group`, across all tabs. */
  | { kind: 'inbrowser'; group: string }
  /** Sends Ethernet frames to a relay over a WebSocket, one frame a message. */
  | { kind: 'wsproxy'; url: string };

/** A published state file, identified by its digest. */
export interface StateReference {
  url: string;
  /** `xxh64:…` over the whole file. */
  digest: string;
}

/** Devices that the firmware can boot from. */
export const bootDevices = ['cdrom', 'hda', 'fda', 'network'] as const;
export type BootDevice = (typeof bootDevices)[number];

export interface CpuOptions {
  /**
   * Highest leaf of CPUID. Use 2 for guests that fail with more, such as Windows NT 4. Default:
   * v86's.
   */
  cpuidLevel?: number;
  /** False: all code is interpreted, some ten times slower. Default true. */
  jit?: boolean;
}

export interface MachineConfig {
  /** Random; the keeper generates it if absent. A guest that is saved and resumed keeps it. */
  id?: string;
  /**
   * Random, generated at the first boot: 32 hex digits. They distinguish a state of this machine
   * from one of another machine with the same id. A guest that is saved and resumed keeps it; a
   * clone gets a new one.
   */
  lineage?: string;
  /** Shown to people; no two machines need differ. Default: the name of its first image. */
  name: string;
  /** Guest RAM in MiB, 16 to 2047; at least 80 with an initrd (v86 puts it at 64 MiB). Default 128. */
  memoryMiB: number;
  /** VGA memory in MiB, a power of two from 1 to 256. Default 8. */
  vgaMemoryMiB: number;
  bios: ImageSource;
  vgaBios: ImageSource;
  bzImage?: ImageSource;
  initrd?: ImageSource;
  /** A kernel in the Multiboot format (version 1). Not with `bzImage`. */
  multiboot?: ImageSource;
  /** Kernel command line; only with `bzImage` or `multiboot`. */
  cmdline?: string;
  cpu?: CpuOptions;
  /** Floppies, up to 3.75 MB. */
  fda?: DriveSource;
  fdb?: DriveSource;
  /** ISO 9660, or any other format that the guest expects on a CD. */
  cdrom?: DriveSource;
  /** Hard disks. */
  hda?: DriveSource;
  /** Only with `hda`. */
  hdb?: DriveSource;
  /**
   * Boot order of the BIOS: a nibble for each device, 1 floppy, 2 hard disk, 3 CD, the last one
   * first. Default: `0x321` with a floppy, `0x312` with a hard disk, else `0x123`.
   */
  bootOrder?: number;
  /** Power management and a power button. Default false. */
  acpi: boolean;
  /** The network device. Default `ne2k`. */
  network: 'none' | 'ne2k' | 'virtio';
  /** Default: `none`. */
  networkBackend?: NetworkBackend;
  /** MAC address of the network device, as `00:22:15:aa:bb:cc`; random by default. Not used where a state is loaded. */
  mac?: string;
  /** An empty 9p share with the tag `host9p`. */
  filesystem9p: boolean;
  /** Default true. */
  virtioConsole: boolean;
  /** Enables output of the Sound Blaster 16 and the PC speaker. Default false. */
  sound?: boolean;
  /** Keyboard layout that the guest is set to: text is typed for it. Default `us`. */
  keyboardLayout?: KeyboardLayout;
  /** Serial ports of the PC, 1 to 4. The demo guest's agent listens on the second. Default 2. */
  serialPorts?: number;
  /**
   * Takes checkpoints automatically, so that the guest can be restored after its keeper ends.
   * Default false.
   */
  durable?: boolean;
  /**
   * True if the machine came from a link or a file. In storage it leaves room for the user's own
   * machines, see foreign-storage.ts. It fetches nothing with the user's cookies, see visitor.ts. Default
   * false, but true for a clone. State files do not carry it.
   */
  foreign?: boolean;
  /**
   * The published state that the machine was opened from. Its own state files may store only the
   * difference.
   */
  openedFrom?: StateReference;
  /** Suspends the guest once no page has been visible for this long, ms. Never when absent. */
  suspendWhenHiddenMs?: number;
  /** Limits of the guest in the keeper. */
  limits?: MachineLimits;
  /** Refuses to start with any part that could later block `cprSave`, in either mode. */
  onlyCprCapable?: boolean;
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
