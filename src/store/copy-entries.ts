/** Copies saved states unchanged from one place to another. */
import type { DatabaseConnection, WriteOptions } from './database-connection.ts';
import { under } from './key-ranges.ts';
import type { EntryRow } from './schema.ts';
import { valuesTransferred } from './transferred.ts';

const doing = 'copy the saved states';
const writing: WriteOptions = {
  name: 'copy-entry',
  stores: ['entries', 'entryParts'],
  durability: 'strict',
  doing,
};

/**
 * Copies newer entries. An entry is replaced as a whole, so its name and time identify it. The
 * later one stays.
 */
export async function copyEntries(from: DatabaseConnection, to: DatabaseConnection): Promise<void> {
  const [wanted, found] = await Promise.all([entriesOf(from), entriesOf(to)]);
  const there = new Map(found.map((row) => [row.name, row.savedAtMs]));
  for (const row of wanted)
    if (row.savedAtMs > (there.get(row.name) ?? 0)) await copyEntry(from, to, row);
}

export function removeEntry(to: DatabaseConnection, name: string): Promise<void> {
  return to.write(writing, async (transaction) => {
    await Promise.all([
      transaction.objectStore('entries').delete(name),
      transaction.objectStore('entryParts').delete(under(name)),
    ]);
  });
}

const entriesOf = (connection: DatabaseConnection): Promise<EntryRow[]> =>
  connection.read(['entries'], doing, (transaction) => transaction.objectStore('entries').getAll());

async function copyEntry(
  from: DatabaseConnection,
  to: DatabaseConnection,
  row: EntryRow,
): Promise<void> {
  const parts = await from.read(['entryParts'], doing, async (transaction) => {
    const store = transaction.objectStore('entryParts');
    const keys = await store.getAllKeys(under(row.name));
    return Promise.all(keys.map(async (key) => ({ key, part: await store.get(key) })));
  });
  await to.write({ ...writing, sizeBytes: row.sizeBytes }, async (transaction) => {
    const store = transaction.objectStore('entryParts');
    await store.delete(under(row.name));
    await Promise.all(parts.map(({ key, part }) => part && store.put(part, key)));
    await transaction.objectStore('entries').put(row);
  });
  const keys = parts.map(({ key }) => key);
  const largestBytes = Math.max(0, ...parts.map(({ part }) => part?.bytes.byteLength ?? 0));
  await valuesTransferred(to, 'entryParts', keys, largestBytes);
}
