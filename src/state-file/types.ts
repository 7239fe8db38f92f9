/** State files from a page's point of view; `src/index.ts` exports this. */
import type { MachineConfig, StateReference } from '../protocol/config.ts';
import type { Reached } from '../protocol/reach.ts';

/** A URL or network that a state wants to reach. */
export type StateUrl = Reached;

/** Source of a state file. A worker fetches a URL as it reads it. */
export type StateSource = string | URL | Blob | Response | ReadableStream<Uint8Array>;

/** Data in a state file's head: available before the rest has arrived, and not yet verified. */
export interface StateFileInfo {
  title: string;
  createdAtMs: number;
  /** Size of the file; absent if the server does not send it. */
  sizeBytes?: number;
  /** Id of the machine whose state it is. */
  machineId: string;
  /** Configuration of that machine, without the contents that the file carries. */
  config: MachineConfig;
  v86Version: string;
  /** The base of this state. Its size is not included. */
  base?: StateReference;
  /** Everything that opening it would fetch or connect to. */
  urls: readonly StateUrl[];
  /** A PNG picture of the screen. */
  thumbnail?: Blob;
}

export interface StateProgress {
  /** Size of the file, and of its base if it has one. */
  loadedBytes: number;
  /** Absent if a server does not send it. */
  totalBytes?: number;
}

export interface ReadStateOptions {
  signal?: AbortSignal;
  /** Time after which a silent source is abandoned, ms. Default 30,000. */
  stallMs?: number;
  onProgress?(progress: StateProgress): void;
}

export interface ExportStateOptions {
  /** At most 200 characters; default: the machine's name. */
  title?: string;
  /** PNG, at most 256 KiB. */
  thumbnail?: Blob;
  /**
   * Writes only the differences from a published state: a given one, or the one that the machine
   * was opened from. Without it the file is self-contained.
   */
  base?: StateReference | 'opened-from';
  signal?: AbortSignal;
  onProgress?(progress: ExportProgress): void;
}

export interface ExportProgress {
  /** Size of the file so far. */
  writtenBytes: number;
  /** Size of the guest's memory, disks and consoles, as in the guest. */
  readBytes: number;
}
