/** Messages between page and keeper about machines in storage. Additive only. */
import type { HoldfastErrorCode } from '../errors.ts';
import type { DriveName, MachineConfig } from './config.ts';
import type { RuntimeSource } from './runtime-source.ts';
import type { StateIdentity } from './state-transfer.ts';

/** A machine in the storage of this origin, as a list shows it. */
export interface StoredMachineInfo {
  id: string;
  name: string;
  createdAtMs: number;
  lastUsedAtMs: number;
  /** Bytes in storage, of both generations. */
  sizeBytes: number;
  /** Time of the newest checkpoint (`Date.now()`); absent if there is none to resume from. */
  takenAtMs?: number;
  /** Drives of {@link needs} contain an empty file of that name. */
  config?: MachineConfig;
  /** Files that {@link ResumeRequest.files} must have; absent: none. */
  needs?: readonly NeededFile[];
  /** Keeper that runs it now: this one, another one, or none. */
  running: 'here' | 'elsewhere' | 'no';
  /** A newer version of this site has stored it: it can only be exported. */
  newer?: true;
}

/** A file that the user picked. It is not stored with the machine. */
export interface NeededFile {
  device: DriveName;
  name: string;
  sizeBytes: number;
  lastModifiedMs: number;
}

/** A named entry of the storage that `cprSave` wrote. */
export interface StoredStateInfo {
  name: string;
  sizeBytes: number;
  savedAtMs: number;
}

export interface StorageUsage {
  usedBytes: number;
  /** Infinity if the browser reports none. */
  quotaBytes: number;
  /** True if the browser promised not to evict the storage. */
  persisted: boolean;
  /**
   * Present if the browser found the storage damaged and deleted all of it: at `atMs`
   * (`Date.now()`), with the browser's own words. Chromium only.
   */
  discarded?: { atMs: number; reason: string };
  /**
   * Machines whose state of `takenAtMs` was stored here and is lost. `leftAtMs` is the time of an
   * older state that remains. All times are `Date.now()`. Chromium and secure origins only.
   */
  lost?: readonly {
    id: string;
    name: string;
    takenAtMs: number;
    foundAtMs: number;
    leftAtMs?: number;
  }[];
}

/** Facts of a clone beside its source. */
interface CloneSource {
  /**
   * True if its system has no agent that could notify it that it is a copy. Until the next boot,
   * its random numbers are those of the other copies.
   */
  isUnawareClone?: true;
}

/** The event that started the guest. */
export type StartSource =
  | { kind: 'booted' }
  | ({
      kind: 'resumed';
      /** Time of the checkpoint that it was resumed from. */
      takenAtMs: number;
      resumedAtMs: number;
      /** Why the newest checkpoint was not used, if so. */
      fellBack?: string;
    } & CloneSource)
  | ({
      /** From a state file. */
      kind: 'opened';
      /** Time of the state. */
      takenAtMs: number;
      openedAtMs: number;
      identity: StateIdentity;
    } & CloneSource)
  /** It came from another keeper while it ran. */
  | { kind: 'migrated'; arrivedAtMs: number };

/** State of the guest's checkpoints in storage. */
export interface Durability {
  /**
   * `off`: by choice. `none`: nothing is in storage yet. `saved`: up to `takenAtMs`. `failing`: up
   * to `takenAtMs`, if present, and no further because of `error`.
   */
  state: 'off' | 'none' | 'saved' | 'failing';
  takenAtMs?: number;
  /** Downtime of the guest for the last checkpoint, ms. */
  pauseMs?: number;
  /** Bytes that the last checkpoint wrote. */
  writtenBytes?: number;
  error?: { code: HoldfastErrorCode; message: string };
}

/** Options of `setDurable`. */
export interface SetDurableOptions {
  /** Replaces another guest in storage under this machine's id. */
  replace?: boolean;
  /**
   * Makes the machine the user's own from now on, even if it was foreign: see {@link
   * MachineConfig.foreign}.
   */
  own?: boolean;
}

export interface ResumeRequest {
  /** The machine's id, see {@link StoredMachineInfo}. */
  id: string;
  runtime: RuntimeSource;
  /** The files of {@link StoredMachineInfo.needs}. */
  files?: Partial<Record<DriveName, Blob>>;
  /** If the machine runs elsewhere: saves and ends it there, and resumes it here. */
  takeOver?: boolean;
  /**
   * Replaces a different machine that is running. Without it, the call rejects with `bad-runstate`.
   */
  replace?: boolean;
}

/** Parts of a stored machine that are available as a file. */
export type ExportRequest =
  /** A disk as a raw image, from the newest intact checkpoint. */
  | { kind: 'disk'; device: DriveName }
  /**
   * A tar archive of memory, device state, disks and consoles. If storage is damaged, it contains
   * what remains of them.
   */
  | { kind: 'everything' };

export interface ExportedFile {
  /** Derived from the machine's name. */
  name: string;
  blob: Blob;
  /** Parts that could not be read, a sentence each. */
  missing: readonly string[];
}

/** Contents and cost of one checkpoint. */
export interface CheckpointInfo {
  generation: number;
  takenAtMs: number;
  /** Downtime of the guest. */
  pauseMs: number;
  durationMs: number;
  /** Number of scans of the memory while the guest ran. */
  passes: number;
  /** Memory that was hashed. */
  scannedBytes: number;
  /** Time spent on scans and copies, including the pause: the guest could not run. */
  busyMs: number;
  /** Pages, pieces and console output that changed since the previous checkpoint. */
  dirtyBytes: number;
  /** Records and manifest. */
  writtenBytes: number;
  manifestBytes: number;
}

export interface ResumeReport {
  takenAtMs: number;
  fellBack?: string;
  /** From the call to the running guest. */
  durationMs: number;
}
