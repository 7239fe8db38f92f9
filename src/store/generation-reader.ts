import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { isManifestWhole, isWhole } from './generation-row.ts';
import { under } from './key-ranges.ts';
import { mayBeLost, readAlone } from './lost-value.ts';
import type { Bytes, GenerationRow, MachineRow, Transaction } from './schema.ts';
import type { Generation, ReadableGenerations } from './types.ts';

export interface Stored {
  machine: MachineRow;
  /** Newest first, each with its manifest if present. */
  generations: { row: GenerationRow; manifest: Bytes | undefined }[];
}

const doing = 'read the stored machine';

/**
 * Returns the readable generations, newest first.
 * @throws HoldfastError `storage-damaged` if the newest is not readable, `not-found` without a
 * machine
 */
export async function readGenerations(
  connection: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<Generation[]> {
  const { generations, damage } = await readReadable(connection, digest, id);
  if (damage !== undefined) throw new HoldfastError('storage-damaged', damage);
  return generations;
}

/**
 * Returns the readable generations, newest first, and the damage of the newest if it is missing.
 */
export async function readReadable(
  connection: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<ReadableGenerations> {
  const { machine: _, ...readable } = await readMachine(connection, digest, id);
  return readable;
}

/** Like {@link readReadable}, with the row of their machine. */
export async function readMachine(
  connection: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<ReadableGenerations & { machine: MachineRow }> {
  const { machine, generations } = await readStored(connection, id);
  const readable: Generation[] = [];
  for (const { row, manifest } of generations) {
    if (!isWhole(row, digest) || !isManifestWhole(row, manifest, digest)) continue;
    const { number, takenAtMs, records } = row;
    readable.push({ number, takenAtMs, manifest, records: [...records] });
  }
  if (readable[0]?.number === machine.generation) return { machine, generations: readable };
  const copied = await copiedGeneration(connection, digest, machine);
  if (copied) return { machine, generations: [copied, ...readable] };
  return {
    machine,
    generations: readable,
    damage: `The newest stored state of “${machine.name}” (generation ${machine.generation}) is damaged.`,
  };
}

/** Returns the newest generation, intact, from the second copy. */
async function copiedGeneration(
  connection: DatabaseConnection,
  digest: Digest,
  { id, generation }: MachineRow,
): Promise<Generation | undefined> {
  try {
    const spare = await connection.spare?.();
    const { generations } = spare ? await readStored(spare, id) : { generations: [] };
    for (const { row, manifest } of generations) {
      if (row.number !== generation || !isWhole(row, digest)) continue;
      if (!isManifestWhole(row, manifest, digest)) continue;
      const { number, takenAtMs, records } = row;
      return { number, takenAtMs, manifest, records: [...records] };
    }
  } catch {
    // The copy is missing or also damaged.
  }
  return undefined;
}

/** Returns the rows unchecked, damaged or not. */
export async function readStored(connection: DatabaseConnection, id: string): Promise<Stored> {
  try {
    return await readAtOnce(connection, id);
  } catch (thrown) {
    if (!mayBeLost(thrown)) throw thrown;
    return readOneByOne(connection, id);
  }
}

/** Reads in one transaction, so that a generation published in between does not mix in. */
function readAtOnce(connection: DatabaseConnection, id: string): Promise<Stored> {
  return connection.read(['machines', 'generations', 'manifests'], doing, async (transaction) => {
    const { machine, rows } = await readRows(transaction, id);
    const manifests = transaction.objectStore('manifests');
    const generations = await Promise.all(
      rows.map(async (row) => ({ row, manifest: await manifests.get([id, row.number]) })),
    );
    return { machine, generations };
  });
}

async function readOneByOne(connection: DatabaseConnection, id: string): Promise<Stored> {
  const { machine, rows } = await connection.read(
    ['machines', 'generations'],
    doing,
    (transaction) => readRows(transaction, id),
  );
  const generations: Stored['generations'] = [];
  for (const row of rows) {
    const manifest = await readAlone(connection, 'manifests', [id, row.number], doing);
    generations.push({ row, manifest });
  }
  return { machine, generations };
}

async function readRows(
  transaction: Transaction<'readonly'>,
  id: string,
): Promise<{ machine: MachineRow; rows: GenerationRow[] }> {
  const [machine, rows] = await Promise.all([
    transaction.objectStore('machines').get(id),
    transaction.objectStore('generations').getAll(under(id)),
  ]);
  if (!machine) throw notFound(id);
  return { machine, rows: rows.reverse() };
}

export const notFound = (id: string) =>
  new HoldfastError(
    'not-found',
    `The machine ${id} is not stored: it was deleted, or this site’s data was cleared.`,
  );
