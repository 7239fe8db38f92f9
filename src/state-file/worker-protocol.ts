/** Between a page and the worker that reads or writes one state file for it. */
import type { MachineConfig, StateReference } from '../protocol/config.ts';
import type { RuntimeSource } from '../protocol/runtime-source.ts';
import type { WireError } from '../protocol/wire-error.ts';
import type { Stored } from './frame.ts';
import type { StateHead } from './head.ts';
import type { SourceName } from './portable-config.ts';
import type { ExportProgress, StateProgress } from './types.ts';

export interface WriteJob {
  type: 'write';
  /** Of `ExportItem`s. */
  guest: MessagePort;
  /** For the file's bytes. */
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
  /** For `ImportItem`s. */
  guest: MessagePort;
  base?: StateReference | undefined;
  /** Where the file is published: states may build on it. */
  publishedAt?: string | undefined;
  /** What the file carries, with the size that its head says. */
  carried: ReadonlyMap<SourceName, number>;
}

/** To a reading worker that asked for more memory. */
export interface MoreAnswer {
  type: 'more-answer';
  isAllowed: boolean;
}

/** To any of them: nobody wants what it does any more. */
export interface EndCommand {
  type: 'end';
}

/** Of a state of this site, for a keeper that may want it as its machine. */
export interface OfferJob {
  type: 'offer';
  url: string;
  siteUrl: string;
  runtime: RuntimeSource;
  /** In place of what the state says. */
  config: Pick<MachineConfig, 'id' | 'durable'>;
  stallMs: number;
  /** To the keeper, see src/protocol/preload.ts. */
  offer: MessagePort;
}

/** A part of a file, for a worker of the one that writes it. */
export interface CompressJob {
  type: 'compress';
  raw: Uint8Array<ArrayBuffer>;
  level: number;
}

export type WorkerMessage =
  | { type: 'head'; head: StateHead; sizeBytes?: number }
  /** What the file carries is here: what follows goes to the guest. */
  | { type: 'contents'; contents: Map<SourceName, Blob> }
  | { type: 'read-progress'; progress: StateProgress }
  /** The state is large: may it become so much? Reading waits for a {@link MoreAnswer}. */
  | { type: 'more'; sizeBytes: number }
  | { type: 'write-progress'; progress: ExportProgress }
  /** Nothing more comes: the file is whole, or whoever reads it knows why it is not. */
  | { type: 'written' }
  | { type: 'compressed'; stored: Stored }
  | { type: 'offer-answered'; opened: boolean }
  /** Whoever was to get the guest knows that it does not come: the worker may be ended. */
  | { type: 'ended' }
  | { type: 'failed'; error: WireError };
