/** Words of CPR that travel between page, keeper and runtime. Additive only. */

/**
 * `restart`: RAM stays where it is, another runtime takes over in the same keeper.
 * `reboot`: everything the guest needs goes to persistent storage; the keeper may end.
 */
export type CprMode = 'restart' | 'reboot';

/** Run states in which a machine can be saved. */
export type SavedRunstate = 'running' | 'paused' | 'suspended';

export type BlockerCode =
  /** Reboot: this host has no persistent storage, so RAM would be lost. */
  | 'volatile-ram'
  /** The disk's backing cannot be opened again by whoever loads the state. */
  | 'disk-not-reopenable'
  /** The disk's backing is no longer what the guest has been using. */
  | 'disk-changed'
  /** A device operation that cannot be waited for. */
  | 'operation-in-flight'
  /** Connections of the guest end in this worker and would be cut. */
  | 'network-cannot-follow'
  /** A device or runtime that cannot hand its state over. */
  | 'device-cannot-follow';

/** A reason, known up front, why a mode is refused now. */
export interface Blocker {
  code: BlockerCode;
  /** A sentence for people: what is in the way and what to do. */
  message: string;
  /** The device it is about, for example `hda` or `net0`. */
  device?: string;
}

/** Text for people: the device is named once, also if the message names it. */
export function blockerSentence({ device, message }: Blocker): string {
  return device === undefined || message.startsWith(device) ? message : `${device}: ${message}`;
}

/** Identity of a disk. Compared when a state is loaded. */
export interface DiskIdentity {
  /** `hda`, `hdb`, `cdrom`, `fda`, `fdb`. */
  device: string;
  sizeBytes: number;
  /** Where the base came from: an absolute URL, `file:NAME`, `bytes`, `empty`. */
  base: string;
  /** `xxh64:…`, `etag:…` or `mtime:…`; absent where the backing says nothing. */
  baseDigest?: string;
  /** Grows with every write of the guest: the overlay's, 0 when never written. */
  generation: number;
}

/** Where `cprSave` writes to. A target that was good stays good until the new one is whole. */
export type CprTarget =
  | { kind: 'bytes' }
  /** A named entry in the keeper's store. */
  | { kind: 'store'; name: string }
  /** From the File System Access API: written aside, then replaced by its `close`. */
  | { kind: 'file'; handle: FileSystemFileHandle };

export type CprSource =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'store'; name: string }
  | { kind: 'file'; file: Blob };
