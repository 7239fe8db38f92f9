/**
 * Persistent storage of machines, by machine and generation. It is independent of guests, v86 and
 * pages.
 */

import type { DiscardedData } from './database-connection.ts';
import type { Mark } from './mark.ts';

/** A machine in the list of machines. */
export interface StoredMachine {
  id: string;
  name: string;
  createdAtMs: number;
  lastUsedAtMs: number;
  /** Bytes of all its records and manifests. */
  sizeBytes: number;
  /** Number of the newest generation; absent if nothing was ever published. */
  generation?: number;
  takenAtMs?: number;
  /** Small data of the store's user: configuration, runtime, thumbnail. Structured-cloneable. */
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
  /** Newest first; empty if all are damaged. */
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
   * Returns the generations, newest first, at most two. A damaged older one is left out.
   * @throws HoldfastError `storage-damaged` if the newest is damaged: call again after
   * {@link dropNewest}
   */
  generations(): Promise<Generation[]>;
  /** Like {@link generations}, but omits a damaged newest one and returns the reason. */
  readableGenerations(): Promise<ReadableGenerations>;
  /**
   * Stores a record of 256 KiB to some MiB that is not part of any generation yet. Resolves with
   * its id, which was never used before, when it is committed. Until then the bytes must not
   * change. They may be a view, also of shared memory, at the cost of a copy. Records that are put
   * at once share transactions.
   */
  putRecord(bytes: Uint8Array): Promise<number>;
  /**
   * Like {@link putRecord}, for a small record: the next {@link publish} that lists it writes it in
   * its own transaction. The bytes must not change until then.
   */
  holdRecord(bytes: Uint8Array): Promise<number>;
  /**
   * Yields records in the requested order. @throws HoldfastError `storage-damaged` for a missing or
   * damaged record
   */
  readRecords(ids: readonly number[]): AsyncIterable<{ id: number; bytes: Uint8Array }>;
  /**
   * Creates a new newest generation in one strict transaction, manifest last. Deletes everything
   * that neither it nor the previous one needs. Resolves with its number.
   * @throws HoldfastError `internal` for a record that this opener did not put and its two
   * generations lack
   */
  publish(request: PublishRequest): Promise<number>;
  /** True for a minute after the bytes of Blobs took more than a second to reach the browser. */
  readonly blobsAreLate: boolean;
  /**
   * While it is set, writes go to the first place alone. A copy in progress ends as usual, and the
   * next generation without it copies what is missing.
   */
  postponeCopies(isPostponed: boolean): void;
  /** Deletes the newest generation after it was found damaged. */
  dropNewest(): Promise<void>;
  /** Deletes records that were put and will not be published. Published ones stay. */
  abandon(records: readonly number[]): Promise<void>;
}

/** The remains of a machine. Only single records are verified. */
export interface SalvagedMachine {
  /** Newest first. */
  generations: {
    number: number;
    takenAtMs: number;
    manifest: Uint8Array | undefined;
    records: readonly number[];
  }[];
  /** Returns undefined for a missing or damaged record. */
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

/** A machine whose last checkpoint is lost. */
export interface LostMachine extends Mark {
  foundAtMs: number;
  /** Time of the older state that remains; absent if nothing of the machine does. */
  leftAtMs?: number;
}

export interface NewMachine {
  name: string;
  details: unknown;
  /** True if a guest that is stored under this id is the opener's, or may be replaced. */
  replace?: boolean;
}

/**
 * Every method rejects with a HoldfastError: `storage-unavailable`, `storage-blocked`,
 * `storage-newer`, `storage-full`, `storage-damaged`, `not-found`, or `taken-over` if another
 * opener has fenced this one off.
 */
export interface Store {
  readonly entries: EntryStore;
  machines(): Promise<StoredMachine[]>;
  /**
   * Opens a machine for writing, and creates it if it does not exist. Fences off the previous
   * opener: its next write fails with `taken-over`.
   * @throws HoldfastError `storage-occupied` if a guest is stored where one is to be created,
   * without `replace`
   */
  open(id: string, create?: NewMachine): Promise<MachineStore>;
  /**
   * Reads everything that a resume starts with. It does not open the machine, which would wait for
   * writes of others.
   * @throws HoldfastError `not-found`
   */
  read(id: string): Promise<StoredReading>;
  /** Opens a machine for reading only. */
  peek(
    id: string,
  ): Promise<Pick<MachineStore, 'id' | 'generations' | 'readableGenerations' | 'readRecords'>>;
  /** Reads all remains of a machine, intact or not. @throws HoldfastError `not-found` */
  salvage(id: string): Promise<SalvagedMachine>;
  rename(id: string, name: string): Promise<void>;
  /**
   * Resolves with the copy's id. It shares its records with the original; either may be deleted
   * first.
   */
  duplicate(id: string, name: string): Promise<string>;
  /** Deletes the machine and everything that only it needs. A missing machine is no error. */
  remove(id: string): Promise<void>;
  /**
   * Returns the usage of the whole origin. `quotaBytes` is Infinity if the browser reports none.
   */
  usage(): Promise<{
    usedBytes: number;
    quotaBytes: number;
    persisted: boolean;
    discarded?: DiscardedData;
    /** Machines whose stored state is lost, found when the store was opened. */
    lost?: readonly LostMachine[];
  }>;
  close(): void;
}
