/** Schema of the database, and the upgrades of older databases. */
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
  /** The fencing token: the opener that may write. 0 if it was never opened. */
  opener: number;
  /** Machines of one family share records: a copy has the family of its original. */
  family: string;
  /** Never decreases, so that no number is used twice. */
  lastGeneration: number;
  /** The newest present generation. */
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
  /** Digest of all the fields above; see generation-row.ts. */
  digest: bigint;
}

export interface RecordRow {
  bytes: Bytes;
  /** Seeded with the identity of the bytes: id or part number. */
  digest: bigint;
}

/**
 * A large record is a Blob: the browser stores it without the copies of a structured clone. Both
 * places get the same Blob.
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
  /** Target of the upgrade from the previous version. */
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
    // No conversion: the version only stops an earlier site, which would take a Blob for damage.
    apply() {},
  },
];

export const schemaVersion = upgrades.length;

/**
 * Version of the default IndexedDB's empty database after its contents moved to a bucket. A page of an
 * older version knows no other place. It then asks for a reload instead of storing in the default
 * IndexedDB.
 */
export const movedVersion = 2 ** 31 - 1;

export function upgrade(
  database: Database,
  oldVersion: number,
  transaction: Transaction<'versionchange'>,
): void {
  for (const { to, apply } of upgrades) if (to > oldVersion) apply(database, transaction);
}
