/** What stands in the database, and how older databases get there. */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';

export type Bytes = Uint8Array<ArrayBuffer>;

interface Counters {
  /** Number of the last opening of any machine; see record-ids.ts. */
  lastOpener: number;
}

export interface MachineRow {
  id: string;
  name: string;
  createdAtMs: number;
  lastUsedAtMs: number;
  sizeBytes: number;
  /** Who may write: the fencing token. 0 when it was never opened. */
  opener: number;
  /** Machines of one family share records: a copy has the family of its original. */
  family: string;
  /** Never goes back, so that no number is used twice. */
  lastGeneration: number;
  /** The newest that is there. */
  generation?: number;
  takenAtMs?: number;
  details: unknown;
}

/** A generation without its manifest, which is large and seldom read. */
export interface GenerationRow {
  machine: string;
  number: number;
  family: string;
  takenAtMs: number;
  /** Ids; typed arrays are cloned a hundred times faster than arrays. */
  records: Float64Array<ArrayBuffer>;
  /** Bytes of each of `records`. */
  sizes: Uint32Array<ArrayBuffer>;
  manifestBytes: number;
  manifestDigest: bigint;
  /** Of all the fields above; see generation-row.ts. */
  digest: bigint;
}

export interface RecordRow {
  bytes: Bytes;
  /** Seeded with the place that the bytes belong to. */
  digest: bigint;
}

/**
 * A large record is a Blob: the browser takes it without the copies that a structured clone of an array
 * is made of, and both places are given the same one.
 */
export interface StoredRow {
  bytes: Bytes | Blob;
  digest: bigint;
}

export interface EntryRow {
  name: string;
  sizeBytes: number;
  savedAtMs: number;
  parts: number;
}

export interface StoreSchema extends DBSchema {
  meta: { key: 'counters'; value: Counters };
  machines: { key: string; value: MachineRow };
  generations: {
    key: [machine: string, number: number];
    value: GenerationRow;
    indexes: { family: string };
  };
  manifests: { key: [machine: string, number: number]; value: Bytes };
  records: { key: number; value: StoredRow };
  entries: { key: string; value: EntryRow };
  entryParts: { key: [name: string, part: number]; value: RecordRow };
}

export type Stores = StoreNames<StoreSchema>;
export type Database = IDBPDatabase<StoreSchema>;
export type Transaction<Mode extends IDBTransactionMode> = IDBPTransaction<
  StoreSchema,
  Stores[],
  Mode
>;

interface Upgrade {
  /** From the version before to this one. */
  to: number;
  name: string;
  apply(database: Database, transaction: Transaction<'versionchange'>): void;
}

/** Without gaps. A released upgrade never changes. */
export const upgrades: readonly Upgrade[] = [
  {
    to: 1,
    name: 'machines with generations of records, and named entries',
    apply(database) {
      database.createObjectStore('meta');
      database.createObjectStore('machines', { keyPath: 'id' });
      database
        .createObjectStore('generations', { keyPath: ['machine', 'number'] })
        .createIndex('family', 'family');
      database.createObjectStore('manifests');
      database.createObjectStore('records');
      database.createObjectStore('entries', { keyPath: 'name' });
      database.createObjectStore('entryParts');
    },
  },
  {
    to: 2,
    name: 'large records may be Blobs',
    // Nothing is to be converted; an earlier version of this site would take a Blob for damage.
    apply() {},
  },
];

export const schemaVersion = upgrades.length;

/**
 * Of the default IndexedDB's database, empty, when what it had is in a bucket: a page of an older version,
 * which knows no other place, is told to reload in place of storing there again.
 */
export const movedVersion = 2 ** 31 - 1;

export function upgrade(
  database: Database,
  oldVersion: number,
  transaction: Transaction<'versionchange'>,
): void {
  for (const { to, apply } of upgrades) if (to > oldVersion) apply(database, transaction);
}
