/** What a machine is made of. Stored by the keeper; survives runtimes and pages. */

/** A file the guest boots from. URLs are absolute by the time the keeper sees them. */
export interface ImageSource {
  url: string;
  /** Bytes, where known up front: for progress and as a check. */
  sizeBytes?: number;
}

/** Where the guest's network cable ends. Connections that end in the keeper outlive runtimes. */
export type NetworkBackend =
  /** Nowhere: nothing leaves. */
  | { kind: 'none' }
  /**
   * A user-mode network in the keeper that turns the guest's HTTP requests (port 80) into `fetch`. Servers
   * must allow the page's origin (CORS), or be reached through `corsProxy`, a URL that theirs is
   * appended to. `http://8080.external/` is port 8080 of the browser's own machine.
   */
  | { kind: 'fetch'; corsProxy?: string }
  /**
   * A user-mode network in the keeper whose TCP connections go to a wisp server. `url`: `wisp://`,
   * `wisps://`, `ws://` or `wss://`. Names are looked up over HTTPS at `dohServer`.
   */
  | { kind: 'wisp'; url: string; dohServer?: string }
  /** A hub of all guests of this origin and `group`, in whichever tabs they are. */
  | { kind: 'inbrowser'; group: string }
  /** Ethernet frames to a relay over a WebSocket, one frame a message. */
  | { kind: 'wsproxy'; url: string };

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
  /** The network device. */
  network: 'none' | 'ne2k' | 'virtio';
  /** Default: `none`. */
  networkBackend?: NetworkBackend;
  /** Of the network device, as `00:22:15:aa:bb:cc`; random by default. Not used where a state is loaded. */
  mac?: string;
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
