/** Opens a database of any factory (idb only opens those of the origin), and renews its log. */
import { unwrap, wrap } from 'idb';
import type { Database, Transaction } from './schema.ts';

export interface DatabaseEvents {
  upgrade(
    database: Database,
    oldVersion: number,
    transaction: Transaction<'versionchange'>,
    event: IDBVersionChangeEvent,
  ): void;
  blocked(): void;
  /** @param wanted the requested version; null for a deletion */
  blocking(wanted: number | null, database: IDBDatabase): void;
  terminated(): void;
}

/** Size of one value; LevelDB's log itself holds values this small. */
const smallBytes = 32 * 1024;

export async function openDatabase(
  factory: IDBFactory,
  name: string,
  version: number | undefined,
  { upgrade, blocked, blocking, terminated }: DatabaseEvents,
): Promise<Database> {
  const request = factory.open(name, version);
  const opening = wrap(request) as unknown as Promise<Database>;
  request.addEventListener('upgradeneeded', (event) => {
    upgrade(
      wrap(request.result) as unknown as Database,
      event.oldVersion,
      wrap(request.transaction as IDBTransaction) as unknown as Transaction<'versionchange'>,
      event,
    );
  });
  request.addEventListener('blocked', blocked);
  const database = await opening;
  database.addEventListener('close', terminated);
  database.addEventListener('versionchange', ({ newVersion }) => {
    blocking(newVersion, unwrap(database) as unknown as IDBDatabase);
  });
  return database;
}

/**
 * Writes enough data at once to make Chromium start a new log and delete the old one. Chromium
 * appends to an existing log even behind a torn record, and then rejects all of it the next time.
 */
export async function renewLog(database: Database, sizeBytes: number): Promise<void> {
  const transaction = database.transaction(['meta'], 'readwrite', { durability: 'strict' });
  const meta = transaction.objectStore('meta') as unknown as {
    put(value: unknown, key: string): Promise<unknown>;
    delete(key: string): Promise<void>;
  };
  // Random, because Snappy would compress zeros to nothing.
  const bytes = crypto.getRandomValues(new Uint8Array(smallBytes));
  const keys = Array.from({ length: Math.ceil(sizeBytes / smallBytes) }, (_, at) => `log ${at}`);
  const puts = keys.map((key) => meta.put(bytes, key));
  const deletes = keys.map((key) => meta.delete(key));
  await Promise.all([...puts, ...deletes]);
  await transaction.done;
}
