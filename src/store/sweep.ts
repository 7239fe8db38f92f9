import { idRange } from './key-ranges.ts';
import { runsOf } from './record-ids.ts';
import { unreferenced } from './retention.ts';
import type { Transaction } from './schema.ts';

/**
 * Deletes every record without a reference. It reads all keys, so it is for rare operations. The
 * transaction must include `machines`, `generations` and `records`.
 */
export async function sweep(transaction: Transaction<'readwrite'>): Promise<void> {
  const [machines, generations, stored] = await Promise.all([
    transaction.objectStore('machines').getAll(),
    transaction.objectStore('generations').getAll(),
    transaction.objectStore('records').getAllKeys(),
  ]);
  const kept = generations.map(({ records }) => records);
  const present = machines.map(({ opener }) => opener);
  await deleteRecords(transaction, unreferenced(stored, kept, present));
}

/** @param ids ascending */
export async function deleteRecords(
  transaction: Transaction<'readwrite'>,
  ids: readonly number[],
): Promise<void> {
  const records = transaction.objectStore('records');
  await Promise.all(runsOf(ids).map((run) => records.delete(idRange(run))));
}
