/** How a guest travels between its keeper and whoever writes or reads a state file. Additive only. */
import type { MachineConfig, StateReference } from './config.ts';
import type { RuntimeSource } from './runtime-source.ts';

/** A part of a RAM block that is the guest's; its pages are numbered across all parts. */
export interface MemoryRange {
  block: string;
  offsetBytes: number;
  pages: number;
}

/** The first item of a guest that leaves its keeper. */
export interface GuestDescription {
  kind: 'begin';
  machineId: string;
  /** With the contents of what only this browser has. */
  config: MachineConfig;
  runtime: RuntimeSource;
  ranges: MemoryRange[];
}

/**
 * Some of the guest's pages of 4 KiB. Of a page that comes twice the later one counts, and pages that
 * never come are zero.
 */
export interface PagesItem {
  kind: 'pages';
  /** Numbers of the pages that have contents of their own. */
  numbers: Uint32Array<ArrayBuffer>;
  /** 4 KiB for each of them. */
  contents: Uint8Array<ArrayBuffer>;
  /** Pairs: a page, and the word that it is over and over. */
  uniform: Uint32Array<ArrayBuffer>;
}

/** Further steps for a received guest, carried out in the order of this interface. */
export interface ArrivingPages extends PagesItem {
  /** The pages whose contents are not `contents`, but those in memory XOR `xor`. */
  xorNumbers: Uint32Array<ArrayBuffer>;
  xor: Uint8Array<ArrayBuffer>;
  /** Pairs: a page, and the one whose present contents it gets. */
  copies: Uint32Array<ArrayBuffer>;
}

/** A numbered piece of bytes of a named stream: console output, a disk's overlay, a 9p file. */
export interface BlobItem {
  kind: 'blob';
  stream: string;
  index: number;
  /** Bytes of a blob, or a part of it: parts follow each other. */
  bytes: Uint8Array<ArrayBuffer>;
  totalBytes: number;
  offsetBytes: number;
}

/** Everything that belongs to the moment of the cut. */
export interface DeviceStateItem {
  kind: 'cut';
  takenAtMs: number;
  /** Device state, with the keeper's sections. */
  vmstate: Uint8Array<ArrayBuffer>;
  keeperState: Uint8Array<ArrayBuffer>;
  /** Bytes that each console has said. */
  consoles: Record<string, number>;
  /** Generation of each set of pieces. */
  pieces: Record<string, number>;
  /** The published state of a received guest, that later states may build on. */
  openedFrom?: StateReference;
}

/** A blob that an earlier state of the same machine had, and this one has not. */
export interface NoBlobItem {
  kind: 'no-blob';
  stream: string;
  index: number;
}

/** Blobs of one frame of a state file, see blobs-item.ts. Only for receivers that say that they know it. */
export interface BlobsItem {
  kind: 'blobs';
  /** The blobs' own, among others. */
  bytes: Uint8Array<ArrayBuffer>;
  streams: readonly string[];
  entries: Float64Array<ArrayBuffer>;
}

export type ExportItem = GuestDescription | PagesItem | BlobItem | DeviceStateItem;
export type ImportItem = ArrivingPages | BlobItem | NoBlobItem | BlobsItem | DeviceStateItem;

/** A new life, or the same one going on. */
export type StateIdentity = 'clone' | 'continuation';

export interface ImportRequest {
  /** Whole: with absolute URLs, and contents where there is no URL. */
  config: MachineConfig;
  runtime: RuntimeSource;
  ranges: MemoryRange[];
  /** Replace a machine that is there once the new one runs, and what is in storage under its id. */
  replace?: boolean;
  identity: StateIdentity;
}

export interface ImportReport {
  machineId: string;
  /** When the state was taken (`Date.now()`). */
  takenAtMs: number;
  /** From the call to a guest that runs. */
  durationMs: number;
}

export interface ExportReport {
  takenAtMs: number;
  /** How long the guest stood still. */
  pauseMs: number;
}
