/** Configuration of a machine. Stored by the keeper; survives runtimes and pages. */

import type { KeyboardLayout } from './keyboard-layouts.ts';
import type { MachineLimits } from './limits.ts';

/** A file on a web server. URLs are absolute by the time the keeper sees them. */
export interface UrlSource {
  url: string;
  /** Where known up front: for progress and as a check. */
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
 * A disk that stands on a server in files of equal size, and is fetched file by file, when the guest
 * reads them. `https://host/disk.img` in parts of 1 MiB is `https://host/disk-0-1048576.img`,
 * `disk-1048576-2097152.img`…, as v86's `tools/split-image.py` makes them. Parts whose name ends in
 * `.zst` or `.gz` after that are compressed each by itself: `https://host/disk.img.zst`.
 */
export interface PartsSource extends UrlSource {
  load: 'parts';
  /** Size of each part but perhaps the last, uncompressed: a multiple of 512. */
  partBytes: number;
}

/**
 * A disk. What the guest writes to it is kept by the keeper; what is named here is never written to.
 *
 * - a URL: fetched as a whole, or with `load: 'range'` in ranges, when the guest reads them, from a
 *   server that answers range requests; or with `load: 'parts'` in parts. What is fetched as a whole
 *   may be compressed with gzip or zstd, as may bytes
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

/** Where the guest's network cable ends. Connections that end in the keeper outlive runtimes. */
export type NetworkBackend =
  /** Nowhere: nothing leaves. */
  | { kind: 'none' }
  /**
   * A user-mode network in the keeper that turns the guest's HTTP requests (port 80) into `fetch`. Servers
   * must allow the page's origin (CORS), or be reached through `corsProxy`, a URL that theirs is
   * appended to. `http://8080.external/` is port 8080 of the browser's own machine. No request carries
   * cookies or passwords of the visitor. Requests to the page's own origin are answered with 403 unless
   * `ownOrigin` is true; in Node those to private, link-local and loopback addresses unless
   * `privateAddresses` is true. State files carry neither.
   */
  | { kind: 'fetch'; corsProxy?: string; ownOrigin?: boolean; privateAddresses?: boolean }
  /**
   * A user-mode network in the keeper whose TCP connections go to a wisp server. `url`: `wisp://`,
   * `wisps://`, `ws://` or `wss://`. Names are looked up over HTTPS at `dohServer`, a
   * host with or without a port, under `/dns-query`; by default `cloudflare-dns.com`.
   */
  | { kind: 'wisp'; url: string; dohServer?: string }
  /** A hub of all guests of this origin and `group`, in whichever tabs they are. */
  | { kind: 'inbrowser'; group: string }
  /** Ethernet frames to a relay over a WebSocket, one frame a message. */
  | { kind: 'wsproxy'; url: string };

/** A state file that others can fetch, and which one it is. */
export interface StateReference {
  url: string;
  /** `xxh64:…` over the whole file. */
  digest: string;
}

/** Devices that the firmware can boot from. */
export const bootDevices = ['cdrom', 'hda', 'fda', 'network'] as const;
export type BootDevice = (typeof bootDevices)[number];

export interface CpuOptions {
  /** Highest leaf of CPUID: 2 for guests that stumble over more, as Windows NT 4. Default: v86's. */
  cpuidLevel?: number;
  /** False: everything is interpreted, some ten times slower. Default true. */
  jit?: boolean;
}

export interface MachineConfig {
  /** Random, given by the keeper when absent. A guest that is saved and goes on keeps it. */
  id?: string;
  /**
   * Random, made at the first boot: 32 hex digits that tell a state of this machine from one of
   * another that only has its id. A guest that is saved and goes on keeps it, a clone gets one of its
   * own.
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
  /** ISO 9660, or whatever else the guest expects on a CD. */
  cdrom?: DriveSource;
  /** Hard disks. */
  hda?: DriveSource;
  /** Only with `hda`. */
  hdb?: DriveSource;
  /**
   * What the BIOS boots from: a nibble each, 1 floppy, 2 hard disk, 3 CD, the last one first. Default: `0x321` with a
   * floppy, `0x312` with a hard disk, else `0x123`.
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
  /** Takes checkpoints by itself, so that the guest comes back when its keeper ended. Default false. */
  durable?: boolean;
  /**
   * Made by somebody else: it came from a link or a file. In storage it leaves room for machines of this
   * browser's user, see foreign-storage.ts; it fetches nothing with the user's cookies, see visitor.ts. Default
   * false, but of a clone true. State files do not carry it.
   */
  foreign?: boolean;
  /** The published state that it was opened from: a state file of it may build on that. */
  openedFrom?: StateReference;
  /** Suspends the guest once no page has been visible for this long, ms. Never when absent. */
  suspendWhenHiddenMs?: number;
  /** Limits of the guest in the keeper. */
  limits?: MachineLimits;
  /** Refuses to start with anything that could later block `cprSave`, in either mode. */
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
