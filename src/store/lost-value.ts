/**
 * Browsers keep large values in files of their own. A file that is torn or gone fails the read, and
 * with it the whole transaction, by an error that does not say which value it was.
 */
import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { StoreSchema, Stores } from './schema.ts';
import { hasName } from './storage-error.ts';

type LargeValues = Extract<Stores, 'records' | 'manifests' | 'entryParts'>;

/** Whether a read failed in a way that a lost value fails in; the disk may be the reason as well. */
export function mayBeLost(thrown: unknown): boolean {
  return (
    thrown instanceof HoldfastError &&
    hasName(thrown.cause, 'UnknownError', 'NotReadableError', 'DataError')
  );
}

/**
 * Reads a value by itself. Resolves with undefined when it is not there, or when it is lost: when it
 * cannot be read although the database can.
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
