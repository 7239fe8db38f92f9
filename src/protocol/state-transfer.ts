/**
 * Items of a guest's transfer between its keeper and the writer or reader of a state file. Additive
 * only.
 */
import type { MachineConfig, StateReference } from './config.ts';
import type { SupplyReference } from './page-supply.ts';
import type { RuntimeSource } from './runtime-source.ts';

/** A part of a RAM block that belongs to the guest. Page numbers count through all parts. */
export interface MemoryRange {
  block: string;
  offsetBytes: number;
  pages: number;
}

/** The first item of a guest that leaves its keeper. */
export interface GuestDescription {
  kind: 'begin';
  machineId: string;
  /** Includes the contents that only this browser has. */
  config: MachineConfig;
  runtime: RuntimeSource;
  ranges: MemoryRange[];
  /** Pages that the guest used last, by the same numbers. Absent if the runtime does not know. */
  hotPages?: Uint32Array<ArrayBuffer>;
}

/**
 * Some of the guest's pages of 4 KiB. If a page is sent twice, the later contents count. Pages that
 * are never sent are zero.
 */
export interface PagesItem {
  kind: 'pages';
  /** Numbers of the pages that have contents of their own. */
  numbers: Uint32Array<ArrayBuffer>;
  /** 4 KiB for each of them. */
  contents: Uint8Array<ArrayBuffer>;
  /** Pairs: a page, and the word that fills it. */
  uniform: Uint32Array<ArrayBuffer>;
}

/** Further steps for a received guest, carried out in the order of this interface. */
export interface ImportPages extends PagesItem {
  /** Pages whose contents are those in memory XOR `xor`. */
  xorNumbers: Uint32Array<ArrayBuffer>;
  xor: Uint8Array<ArrayBuffer>;
  /** Pairs: a page, and the page whose present contents it gets. */
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

/** All state that belongs to the moment of the cut. */
export interface DeviceStateItem {
  kind: 'cut';
  takenAtMs: number;
  /** Device state, with the keeper's sections. */
  vmstate: Uint8Array<ArrayBuffer>;
  keeperState: Uint8Array<ArrayBuffer>;
  /** Number of bytes that each console has written. */
  consoles: Record<string, number>;
  /** Generation of each set of pieces. */
  pieces: Record<string, number>;
  /** The published state of a received guest, that later states may build on. */
  openedFrom?: StateReference;
}

/** A blob that an earlier state of the machine had and this one lacks. */
export interface NoBlobItem {
  kind: 'no-blob';
  stream: string;
  index: number;
}

/**
 * Blobs of one frame of a state file, see blobs-item.ts. Only for receivers that declare support.
 */
export interface BlobsItem {
  kind: 'blobs';
  /** The bytes of the blobs, and possibly others. */
  bytes: Uint8Array<ArrayBuffer>;
  streams: readonly string[];
  entries: Float64Array<ArrayBuffer>;
}

/**
 * The rest of the guest's pages, which the keeper reads by itself. Comes before the device state, and
 * only to receivers that declare support.
 */
export interface AbsentItem {
  kind: 'absent';
  reference: SupplyReference;
}

export type ExportItem = GuestDescription | PagesItem | BlobItem | DeviceStateItem;
export type ImportItem =
  | ImportPages
  | BlobItem
  | NoBlobItem
  | BlobsItem
  | AbsentItem
  | DeviceStateItem;

/** A new machine, or the same one resumed. */
export type StateIdentity = 'clone' | 'continuation';

export interface ImportRequest {
  /** Complete: with absolute URLs, and with contents where there is no URL. */
  config: MachineConfig;
  runtime: RuntimeSource;
  ranges: MemoryRange[];
  /** Replaces a present machine once the new one runs, and the one in storage under its id. */
  replace?: boolean;
  identity: StateIdentity;
  /** The sender can leave out pages that the keeper reads by itself, see {@link AbsentItem}. */
  canBeLazy?: boolean;
}

export interface ImportReport {
  machineId: string;
  /** When the state was taken (`Date.now()`). */
  takenAtMs: number;
  /** From the call to the running guest. */
  durationMs: number;
}

export interface ExportReport {
  takenAtMs: number;
  /** Downtime of the guest. */
  pauseMs: number;
}
