/** CPR types that the page, keeper and runtime exchange. Additive only. */

/**
 * `restart`: RAM stays in place and another runtime takes over in the same keeper.
 * `reboot`: all state of the guest goes to persistent storage; the keeper may end.
 */
export type CprMode = 'restart' | 'reboot';

/** Run states in which a machine can be saved. */
export type SavedRunstate = 'running' | 'paused' | 'suspended';

export type BlockerCode =
  /** Reboot: this host has no persistent storage, so RAM would be lost. */
  | 'volatile-ram'
  /** The loader of the state cannot reopen the disk's backing. */
  | 'disk-not-reopenable'
  /** The disk's backing no longer matches the one that the guest has used. */
  | 'disk-changed'
  /** A device operation is in flight whose end cannot be awaited. */
  | 'operation-in-flight'
  /** Connections of the guest end in this worker and would be closed. */
  | 'network-cannot-follow'
  /** A device or runtime cannot transfer its state. */
  | 'device-cannot-follow'
  /** Move to another keeper: snapshots are in the memory of this one. */
  | 'snapshots-cannot-follow'
  /** Move to another keeper: the guest has crashed or powered off, and nothing runs that could move. */
  | 'guest-ended';

/** A reason, known up front, why a mode is refused now. */
export interface Blocker {
  code: BlockerCode;
  /** A sentence for people: the obstacle and the remedy. */
  message: string;
  /** The device concerned, for example `hda` or `net0`. */
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
  /** Source of the base: an absolute URL, `file:NAME`, `bytes`, `empty`. */
  base: string;
  /** `xxh64:…`, `etag:…` or `mtime:…`; absent if the backing provides none. */
  baseDigest?: string;
  /** The overlay's generation: it grows with every write of the guest. 0 if never written. */
  generation: number;
}

/** Where `cprSave` writes to. A target that was good stays good until the new one is whole. */
export type CprTarget =
  | { kind: 'bytes' }
  /** A named entry in the keeper's store. */
  | { kind: 'store'; name: string }
  /** A file of the File System Access API. Data is written aside; `close` replaces the file. */
  | { kind: 'file'; handle: FileSystemFileHandle };

export type CprSource =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'store'; name: string }
  | { kind: 'file'; file: Blob };
