/** Waits for what a database does: a transaction that ends, and a connection that opens. */
import { HoldfastError } from '../errors.ts';
import type { Database, Transaction } from './schema.ts';
import { hasName } from './storage-error.ts';

/** The outcome of `body` when `transaction` is committed; undoes the transaction when it throws. */
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
      // It has ended already, which is what we want.
    }
    // A request fails with AbortError when its transaction failed: the transaction knows why.
    const reason = await transaction.done.then(
      () => thrown,
      (ended) => ended,
    );
    throw hasName(thrown, 'AbortError') ? reason : thrown;
  }
}

/** Rejects when `opening` takes too long, and closes what it opens later. */
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
