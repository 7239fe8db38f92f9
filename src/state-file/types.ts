/** State files as a page sees them; `src/index.ts` exports this. */
import type { MachineConfig, StateReference } from '../protocol/config.ts';
import type { Reached } from '../protocol/reach.ts';

/** Something that a state wants to be fetched or connected to. */
export type StateUrl = Reached;

/** Where a state file comes from. A URL is fetched by a worker, as it is read. */
export type StateSource = string | URL | Blob | Response | ReadableStream<Uint8Array>;

/** What a state file's head says: known before the rest of it has arrived, and true of nothing yet. */
export interface StateFileInfo {
  title: string;
  createdAtMs: number;
  /** Of the file; absent where the server does not say. */
  sizeBytes?: number;
  /** Id of the machine that it is a state of. */
  machineId: string;
  /** What that machine is made of; contents that the file carries are not in here. */
  config: MachineConfig;
  v86Version: string;
  /** The state that this one builds on. Its size is its own. */
  base?: StateReference;
  /** Everything that opening it would fetch or connect to. */
  urls: readonly StateUrl[];
  /** A PNG picture of the screen. */
  thumbnail?: Blob;
}

export interface StateProgress {
  /** Of the file, and of its base where it has one. */
  loadedBytes: number;
  /** Absent where a server does not say. */
  totalBytes?: number;
}

export interface ReadStateOptions {
  signal?: AbortSignal;
  /** A source that sends nothing for so long is given up, ms. Default 30,000. */
  stallMs?: number;
  onProgress?(progress: StateProgress): void;
}

export interface ExportStateOptions {
  /** At most 200 characters; default: the machine's name. */
  title?: string;
  /** PNG, at most 256 KiB. */
  thumbnail?: Blob;
  /**
   * Write only what differs from a published state: one by name, or the one that the machine was
   * opened from. Without it the file stands on its own.
   */
  base?: StateReference | 'opened-from';
  signal?: AbortSignal;
  onProgress?(progress: ExportProgress): void;
}

export interface ExportProgress {
  /** Of the file so far. */
  writtenBytes: number;
  /** Of the guest's memory, disks and consoles, as they are in the guest. */
  readBytes: number;
}
