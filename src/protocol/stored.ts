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
  /** When the newest checkpoint was taken (`Date.now()`); absent when there is none to go on from. */
  takenAtMs?: number;
  /** Drives of {@link needs} have an empty file of that name. */
  config?: MachineConfig;
  /** Files that {@link ResumeRequest.files} must have; absent: none. */
  needs?: readonly NeededFile[];
  /** Whether a keeper runs it now: this one, another one, or none. */
  running: 'here' | 'elsewhere' | 'no';
  /** A newer version of this site has stored it: it can be exported, and nothing else. */
  newer?: true;
}

/** A file that the user picked, and that is not stored with the machine. */
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
  /** Infinity where the browser does not say. */
  quotaBytes: number;
  /** Whether the browser promised not to evict it by itself. */
  persisted: boolean;
  /**
   * The browser found what was stored damaged and threw it all away (`atMs`, `Date.now()`), with its
   * own words. Chromium only.
   */
  discarded?: { atMs: number; reason: string };
  /**
   * Machines whose state of `takenAtMs` was stored here and is gone. With `leftAtMs` an older state is there,
   * taken then. `Date.now()`. Chromium and secure origins only.
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
   * Its system has no agent to tell it that it is a copy: until it is booted again, its random numbers
   * are those of the other copies.
   */
  isUnawareClone?: true;
}

/** How a guest came to be where it is now. */
export type StartSource =
  | { kind: 'booted' }
  | ({
      kind: 'resumed';
      /** Time of the checkpoint that it was resumed from. */
      takenAtMs: number;
      resumedAtMs: number;
      /** Why the newest checkpoint was not used, when it was not. */
      fellBack?: string;
    } & CloneSource)
  | ({
      /** From a state file. */
      kind: 'opened';
      /** Time of the state. */
      takenAtMs: number;
      openedAtMs: number;
      identity: StateIdentity;
    } & CloneSource);

/** Whether the guest would come back if everything ended now. */
export interface Durability {
  /**
   * `off`: by choice. `none`: nothing is in storage yet. `saved`: up to `takenAtMs`. `failing`: up to
   * `takenAtMs` if that is there, and no further because of `error`.
   */
  state: 'off' | 'none' | 'saved' | 'failing';
  takenAtMs?: number;
  /** How long the guest stood still for the last checkpoint, ms. */
  pauseMs?: number;
  /** Bytes that the last checkpoint wrote. */
  writtenBytes?: number;
  error?: { code: HoldfastErrorCode; message: string };
}

/** Options of `setDurable`. */
export interface SetDurableOptions {
  /** Another guest that is in storage under this machine's id gives way. */
  replace?: boolean;
  /** The machine is its user's own from now on, whoever made it: see {@link MachineConfig.foreign}. */
  own?: boolean;
}

export interface ResumeRequest {
  /** Which machine of {@link StoredMachineInfo}. */
  id: string;
  runtime: RuntimeSource;
  /** The files of {@link StoredMachineInfo.needs}. */
  files?: Partial<Record<DriveName, Blob>>;
  /** Where it runs elsewhere: it is saved there, ends there, and goes on here. */
  takeOver?: boolean;
  /** Replace a machine that is already there and is not this one. Without it, that is `bad-runstate`. */
  replace?: boolean;
}

/** Parts of a stored machine that are available as a file. */
export type ExportRequest =
  /** A disk as a raw image, of the newest checkpoint that is whole. */
  | { kind: 'disk'; device: DriveName }
  /**
   * A tar archive of memory, device state, disks and consoles, or of what is left of them when
   * storage is damaged.
   */
  | { kind: 'everything' };

export interface ExportedFile {
  /** Made of the machine's. */
  name: string;
  blob: Blob;
  /** Parts that could not be read, a sentence each. */
  missing: readonly string[];
}

/** Contents and cost of one checkpoint. */
export interface CheckpointInfo {
  generation: number;
  takenAtMs: number;
  /** How long the guest stood still. */
  pauseMs: number;
  durationMs: number;
  /** Times that memory was looked at while the guest ran. */
  passes: number;
  /** Memory that was hashed. */
  scannedBytes: number;
  /** Time spent looking and copying, the pause included: what the guest was kept from running. */
  busyMs: number;
  /** Pages, pieces and console output that changed since the checkpoint before. */
  dirtyBytes: number;
  /** Records and manifest. */
  writtenBytes: number;
  manifestBytes: number;
}

export interface ResumeReport {
  takenAtMs: number;
  fellBack?: string;
  /** From the call to a guest that runs. */
  durationMs: number;
}
