/** Opens a machine for writing: only the last opener may write. */
import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import { notFound } from './generation-reader.ts';
import { idRange } from './key-ranges.ts';
import { idsOf } from './record-ids.ts';
import { withoutKept } from './retention.ts';
import type { MachineRow, Transaction } from './schema.ts';
import { deleteRecords } from './sweep.ts';
import type { NewMachine } from './types.ts';

/**
 * Resolves with the opener's number. Unpublished records of the previous opener are deleted.
 * @throws HoldfastError `not-found` or `storage-occupied`
 */
export function openStoredMachine(
  connection: DatabaseConnection,
  id: string,
  create: NewMachine | undefined,
): Promise<number> {
  return connection.write(
    {
      name: 'open',
      stores: ['meta', 'machines', 'generations', 'records'],
      durability: 'relaxed',
      doing: 'open the stored machine',
    },
    async (transaction) => {
      const meta = transaction.objectStore('meta');
      const [counters, stored] = await Promise.all([
        meta.get('counters'),
        transaction.objectStore('machines').get(id),
      ]);
      const machine = stored ?? (create && newMachine(id, create));
      if (!machine) throw notFound(id);
      if (create && !create.replace && machine.generation !== undefined) throw occupied(machine);
      await deleteOrphans(transaction, machine);
      // In a place that was made from a copy, the counter may be behind.
      const opener = Math.max(counters?.lastOpener ?? 0, machine.opener) + 1;
      await Promise.all([
        meta.put({ lastOpener: opener }, 'counters'),
        transaction.objectStore('machines').put({ ...machine, opener, lastUsedAtMs: Date.now() }),
      ]);
      return opener;
    },
  );
}

const occupied = ({ name }: MachineRow) =>
  new HoldfastError(
    'storage-occupied',
    `“${name}” is in storage under the id of this machine, and this guest is another one.`,
  );

function newMachine(id: string, { name, details }: NewMachine): MachineRow {
  const now = Date.now();
  return {
    id,
    name,
    createdAtMs: now,
    lastUsedAtMs: now,
    sizeBytes: 0,
    opener: 0,
    family: id,
    lastGeneration: 0,
    details,
  };
}

async function deleteOrphans(
  transaction: Transaction<'readwrite'>,
  { opener, family }: MachineRow,
): Promise<void> {
  if (opener === 0) return;
  const [put, relatives] = await Promise.all([
    transaction.objectStore('records').getAllKeys(idRange(idsOf(opener))),
    transaction.objectStore('generations').index('family').getAll(family),
  ]);
  const kept = relatives.map(({ records }) => records);
  await deleteRecords(transaction, withoutKept(put, kept));
}
