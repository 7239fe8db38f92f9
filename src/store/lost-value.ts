/**
 * Reads around lost values. Browsers store large values in separate files. A torn or missing file
 * fails the read, and with it the whole transaction. The error does not name the value.
 */
import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { StoreSchema, Stores } from './schema.ts';
import { hasName } from './storage-error.ts';

type LargeValues = Extract<Stores, 'records' | 'manifests' | 'entryParts'>;

/**
 * Returns true for the kind of error that a lost value causes; a failing disk can also cause it.
 */
export function mayBeLost(thrown: unknown): boolean {
  return (
    thrown instanceof HoldfastError &&
    hasName(thrown.cause, 'UnknownError', 'NotReadableError', 'DataError')
  );
}

/**
 * Reads a value separately. Resolves with undefined if it is missing or lost: unreadable although
 * the database is readable.
 */
export async function readAlone<Name extends LargeValues>(
  connection: DatabaseConnection,
  store: Name,
  key: StoreSchema[Name]['key'],
  doing: string,
): Promise<StoreSchema[Name]['value'] | undefined> {
  try {
    return await connection.read([store], doing, (transaction) =>
      transaction.objectStore(store).get(key),
    );
  } catch (thrown) {
    if (!mayBeLost(thrown)) throw thrown;
    await connection.read([store], doing, (transaction) =>
      transaction.objectStore(store).getKey(key),
    );
    return undefined;
  }
}
