/** Messages between a page and the worker that reads or writes one state file for it. */
import type { MachineConfig, StateReference } from '../protocol/config.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { WireError } from '../protocol/wire-error.ts';
import type { Stored } from './format/frame.ts';
import type { StateHead } from './format/head.ts';
import type { SourceName } from './portable-config.ts';
import type { ExportProgress, StateProgress } from './types.ts';

export interface WriteJob {
  type: 'write';
  /** Port for `ExportItem`s. */
  guest: MessagePort;
  /** Port for the file's bytes. */
  file: MessagePort;
  title?: string | undefined;
  thumbnail?: Uint8Array<ArrayBuffer> | undefined;
  base?: StateReference | 'opened-from' | undefined;
  siteUrl: string;
}

export interface ReadJob {
  type: 'read';
  source: { url: string } | { blob: Blob } | { bytes: MessagePort };
  stallMs: number;
}

/** To a reading worker, once its head is approved. */
export interface OpenCommand {
  type: 'open';
  /** Port for `ImportItem`s. */
  guest: MessagePort;
  base?: StateReference | undefined;
  /** URL of the published file: states may build on it. */
  publishedAt?: string | undefined;
  /** Carried contents, with the size in the file's head. */
  carried: ReadonlyMap<SourceName, number>;
}

/** To a reading worker that requested more memory. */
export interface MoreAnswer {
  type: 'more-answer';
  isAllowed: boolean;
}

/** To any worker: its work is no longer wanted. */
export interface EndCommand {
  type: 'end';
}

/** Reads a state of this site for a keeper that may want it as its machine. */
export interface PreloadJob {
  type: 'preload';
  url: string;
  siteUrl: string;
  runtime: RuntimeSource;
  /** Options that replace those of the state. */
  config: Pick<MachineConfig, 'id' | 'durable'>;
  stallMs: number;
  /** Port to the keeper, see src/protocol/preload.ts. */
  keeper: MessagePort;
}

/** A part of a file, for a compression worker. */
export interface CompressJob {
  type: 'compress';
  raw: Uint8Array<ArrayBuffer>;
  level: number;
}

export type WorkerMessage =
  /** `canBeLazy`: the guest can run before all of the file is read. */
  | { type: 'head'; head: StateHead; sizeBytes?: number; canBeLazy?: boolean }
  /** The carried contents have arrived: everything that follows goes to the guest. */
  | { type: 'contents'; contents: Map<SourceName, Blob> }
  | { type: 'read-progress'; progress: StateProgress }
  /** Asks whether the state may grow to this size. Reading waits for a {@link MoreAnswer}. */
  | { type: 'more'; sizeBytes: number }
  | { type: 'write-progress'; progress: ExportProgress }
  /** Nothing more comes: the file is complete, or its reader has the error. */
  | { type: 'written' }
  | { type: 'compressed'; stored: Stored }
  | { type: 'preload-answered'; opened: boolean }
  /** The receiver of the guest knows that it does not come: the worker may be terminated. */
  | { type: 'ended' }
  | { type: 'failed'; error: WireError };
