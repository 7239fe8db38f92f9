/** Persistent storage of machines, by machine and generation. Knows no guest, no v86 and no page. */

import type { DiscardedData } from './database-connection.ts';
import type { Mark } from './mark.ts';

/** A machine as the list of machines shows it. */
export interface StoredMachine {
  id: string;
  name: string;
  createdAtMs: number;
  lastUsedAtMs: number;
  /** Bytes of all its records and manifests. */
  sizeBytes: number;
  /** Of the newest generation; absent when nothing was ever published. */
  generation?: number;
  takenAtMs?: number;
  /** Small things of whoever uses the store: configuration, runtime, thumbnail. Structured-cloneable. */
  details: unknown;
}

/** One published, complete state of a machine. Two are kept. */
export interface Generation {
  /** Counts from 1, never used twice for one machine. */
  number: number;
  takenAtMs: number;
  manifest: Uint8Array;
  /** Ids of the records that the manifest refers to. */
  records: readonly number[];
}

export interface ReadableGenerations {
  /** Newest first; none when all are damaged. */
  generations: Generation[];
  /** Why the newest is not among them. */
  damage?: string;
}

/** A machine and its generations, read in one transaction. */
export interface StoredReading extends ReadableGenerations {
  machine: StoredMachine;
  readRecords: MachineStore['readRecords'];
}

export interface PublishRequest {
  takenAtMs: number;
  manifest: Uint8Array;
  records: readonly number[];
  /** Replaces {@link StoredMachine.details} in the same transaction. */
  details?: unknown;
}

export interface MachineStore {
  readonly id: string;
  /**
   * Newest first, at most two. An older one that is damaged is left out.
   * @throws HoldfastError `storage-damaged` when the newest is: after {@link dropNewest} ask again
   */
  generations(): Promise<Generation[]>;
  /** As {@link generations}, but without the newest where that is damaged, and why. */
  readableGenerations(): Promise<ReadableGenerations>;
  /**
   * Stores a record of 256 KiB to some MiB, not yet part of any generation. Resolves with its id, which was
   * never used before, when it is committed; until then the bytes must not change. They may be a
   * view, also of shared memory: that costs a copy. Records put in one go share transactions.
   */
  putRecord(bytes: Uint8Array): Promise<number>;
  /** In the order asked for. @throws HoldfastError `storage-damaged` for a record that is missing or not whole */
  readRecords(ids: readonly number[]): AsyncIterable<{ id: number; bytes: Uint8Array }>;
  /**
   * Makes a new newest generation in one strict transaction, manifest last, and deletes what neither
   * it nor the one before needs. Resolves with its number.
   * @throws HoldfastError `internal` for a record that this opener did not put and its two generations lack
   */
  publish(request: PublishRequest): Promise<number>;
  /** Deletes the newest generation, which turned out to be damaged. */
  dropNewest(): Promise<void>;
  /** Deletes records that were put but will not be published. Published ones stay. */
  abandon(records: readonly number[]): Promise<void>;
}

/** What is left of a machine. Nothing of it is vouched for but records, one by one. */
export interface SalvagedMachine {
  /** Newest first. */
  generations: {
    number: number;
    takenAtMs: number;
    manifest: Uint8Array | undefined;
    records: readonly number[];
  }[];
  /** Undefined for one that is missing or not whole. */
  readRecord(id: number): Promise<Uint8Array | undefined>;
}

/** Named vmstates: targets of cprSave. A put replaces a whole entry or nothing. */
export interface EntryStore {
  list(): Promise<{ name: string; sizeBytes: number; savedAtMs: number }[]>;
  /** @throws HoldfastError `not-found` */
  get(name: string): Promise<Uint8Array>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  delete(name: string): Promise<void>;
}

/** A machine whose last checkpoint is gone. */
export interface LostMachine extends Mark {
  foundAtMs: number;
  /** When the older state was taken that is there; missing where nothing of the machine is. */
  leftAtMs?: number;
}

export interface NewMachine {
  name: string;
  details: unknown;
  /** The guest that may be stored under this id is the opener's, or may go. */
  replace?: boolean;
}

/**
 * Every method rejects with a HoldfastError: `storage-unavailable`, `storage-blocked`, `storage-newer`, `storage-full`, `storage-damaged`,
 * `not-found`, or `taken-over` when another opener has fenced this one off.
 */
export interface Store {
  readonly entries: EntryStore;
  machines(): Promise<StoredMachine[]>;
  /**
   * Opens a machine for writing, made if it is not there. Fences off whoever opened it before:
   * their next write fails with `taken-over`.
   * @throws HoldfastError `storage-occupied` for one to be made where a guest is stored, without `replace`
   */
  open(id: string, create?: NewMachine): Promise<MachineStore>;
  /**
   * All that bringing a machine back begins with, without opening it, which waits for what others write.
   * @throws HoldfastError `not-found`
   */
  read(id: string): Promise<StoredReading>;
  /** Opens a machine for reading only. */
  peek(
    id: string,
  ): Promise<Pick<MachineStore, 'id' | 'generations' | 'readableGenerations' | 'readRecords'>>;
  /** Whatever of a machine can still be read, whole or not. @throws HoldfastError `not-found` */
  salvage(id: string): Promise<SalvagedMachine>;
  rename(id: string, name: string): Promise<void>;
  /** Resolves with the copy's id. Its records are shared with the original; each may be deleted first. */
  duplicate(id: string, name: string): Promise<string>;
  /** Deletes the machine and all that only it needs. That it is not there is no error. */
  remove(id: string): Promise<void>;
  /** Of the whole origin. `quotaBytes` is Infinity where the browser does not say. */
  usage(): Promise<{
    usedBytes: number;
    quotaBytes: number;
    persisted: boolean;
    discarded?: DiscardedData;
    /** Machines that were stored and are gone, found out when the store was opened. */
    lost?: readonly LostMachine[];
  }>;
  close(): void;
}
