/** Waits for database operations: the end of a transaction, and the opening of a connection. */
import { HoldfastError } from '../errors.ts';
import type { Database, Transaction } from './schema.ts';
import { hasName } from './storage-error.ts';

/**
 * Returns the result of `body` once `transaction` is committed; aborts the transaction if it
 * throws.
 */
export async function finish<T>(
  transaction: Transaction<'readonly' | 'readwrite'>,
  body: () => Promise<T>,
): Promise<T> {
  try {
    const result = await body();
    await transaction.done;
    return result;
  } catch (thrown) {
    try {
      transaction.abort();
    } catch {
      // It has already ended, as intended.
    }
    // A request fails with AbortError if its transaction failed: the transaction has the reason.
    const reason = await transaction.done.then(
      () => thrown,
      (ended) => ended,
    );
    throw hasName(thrown, 'AbortError') ? reason : thrown;
  }
}

/** Rejects if `opening` takes too long, and closes a connection that opens later. */
export function within(
  timeoutMs: number,
  opening: Promise<Database>,
  reason: () => string,
): Promise<Database> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new HoldfastError('storage-blocked', reason()));
    }, timeoutMs);
    opening.then(
      (database) => {
        clearTimeout(timer);
        if (late) database.close();
        else resolve(database);
      },
      (thrown) => {
        clearTimeout(timer);
        reject(thrown);
      },
    );
  });
}
