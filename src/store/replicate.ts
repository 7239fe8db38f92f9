/** Copies rows unchanged from one place to another: same ids, same bytes, same digests. */
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { readStored } from './generation-reader.ts';
import { isManifestWhole, isWhole, sizeOf } from './generation-row.ts';
import { idRange, under } from './key-ranges.ts';
import { idsOf } from './record-ids.ts';
import { readRecords } from './record-reader.ts';
import { rowOf } from './record-row.ts';
import type { NewRecord } from './record-writer.ts';
import { withoutKept } from './retention.ts';
import type { Bytes, GenerationRow, MachineRow, StoredRow } from './schema.ts';
import { deleteRecords } from './sweep.ts';
import { generationTransferred, rowsTransferred } from './transferred.ts';

/** A generation with all its rows except the records. */
export interface WholeGeneration {
  machine: MachineRow;
  row: GenerationRow;
  manifest: Bytes;
}

/** A generation with new records that are written with it. */
interface NewGeneration extends WholeGeneration {
  held?: readonly NewRecord[];
}

const doing = 'store a second copy of the machine';
const batchLength = 16;

/** Returns the newest intact generation; undefined if there is none. */
export async function newestWhole(
  connection: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<WholeGeneration | undefined> {
  const { machine, generations } = await readStored(connection, id);
  for (const { row, manifest } of generations) {
    if (isWhole(row, digest) && isManifestWhole(row, manifest, digest))
      return { machine, row, manifest };
  }
  return undefined;
}

/** Copies records before their generation. @param read returns records that `to` lacks */
async function putMissing(
  to: DatabaseConnection,
  wanted: readonly number[],
  read: (ids: readonly number[]) => AsyncIterable<{ id: number; row: StoredRow }>,
): Promise<void> {
  let batch: NewRecord[] = [];
  const flush = async () => {
    const records = batch;
    batch = [];
    await putRecords(to, records);
  };
  for await (const record of read(wanted)) {
    batch.push(record);
    if (batch.length === batchLength) await flush();
  }
  if (batch.length > 0) await flush();
}

export async function putRecords(
  to: DatabaseConnection,
  records: readonly NewRecord[],
): Promise<void> {
  await to.write(
    { name: 'copy-records', stores: ['records'], durability: 'relaxed', doing },
    async (transaction) => {
      const store = transaction.objectStore('records');
      await Promise.all(records.map(({ id, row }) => store.put(row, id)));
    },
  );
  await rowsTransferred(records);
}

/** Yields checked records of a place as rows. */
export async function* rowsOf(
  connection: DatabaseConnection,
  digest: Digest,
  ids: readonly number[],
): AsyncGenerator<{ id: number; row: StoredRow }> {
  for await (const { id, bytes } of readRecords(connection, digest, ids)) {
    yield { id, row: rowOf(id, bytes as Bytes, digest) };
  }
}

/** Returns the ids of all records of these generations. */
const vouchedForBy = (rows: readonly GenerationRow[]) =>
  new Set(rows.flatMap(({ records }) => [...records]));

/**
 * Publishes a generation in `to`, after its missing records.
 * @param put present records that are in no generation yet
 * @param read returns the missing records
 */
export async function replicate(
  to: DatabaseConnection,
  whole: NewGeneration,
  put: ReadonlySet<number>,
  read: (ids: readonly number[]) => AsyncIterable<{ id: number; row: StoredRow }>,
): Promise<void> {
  const there = new Set(put);
  for (const { id } of whole.held ?? []) there.add(id);
  for (;;) {
    const missing = await publishCopy(to, whole, there);
    if (missing.length === 0) return generationTransferred(to, whole, whole.held ?? []);
    await putMissing(to, missing, read);
    for (const id of missing) there.add(id);
  }
}

/**
 * Publishes in one strict transaction, the manifest last.
 * @param put present records that are in no generation yet
 * @returns the missing records; if any, nothing is published
 */
function publishCopy(
  to: DatabaseConnection,
  { machine, row, manifest, held = [] }: NewGeneration,
  put: ReadonlySet<number>,
): Promise<number[]> {
  return to.write(
    {
      name: 'copy-generation',
      stores: ['meta', 'machines', 'generations', 'manifests', 'records'],
      durability: 'strict',
      doing,
    },
    async (transaction) => {
      const machines = transaction.objectStore('machines');
      const generations = transaction.objectStore('generations');
      const manifests = transaction.objectStore('manifests');
      const meta = transaction.objectStore('meta');
      const [before, relatives, counters] = await Promise.all([
        machines.get(machine.id),
        generations.index('family').getAll(machine.family),
        meta.get('counters'),
      ]);
      // Another writer with a later read was faster.
      const isOld =
        before?.createdAtMs === machine.createdAtMs && (before.generation ?? 0) > row.number;
      if (isOld) return [];
      const there = vouchedForBy(relatives);
      const missing = [...row.records].filter((id) => !there.has(id) && !put.has(id));
      if (missing.length > 0) return missing;
      const isOwn = (relative: GenerationRow) => relative.machine === machine.id;
      const kept = [...relatives.filter((relative) => !isOwn(relative)), row];
      const dropped = relatives.filter(isOwn).map(({ records }) => [...records]);
      // Unpublished records of an earlier opener. The present one may be at work.
      const orphans =
        before && before.opener < machine.opener && before.opener > 0
          ? await transaction.objectStore('records').getAllKeys(idRange(idsOf(before.opener)))
          : [];
      const unneeded = withoutKept(
        [...dropped.flat(), ...orphans],
        kept.map(({ records }) => records),
      );
      const lastOpener = Math.max(counters?.lastOpener ?? 0, machine.opener);
      await Promise.all([
        deleteRecords(transaction, unneeded),
        generations.delete(under(machine.id)),
        manifests.delete(under(machine.id)),
      ]);
      const records = transaction.objectStore('records');
      await Promise.all(held.map((record) => records.put(record.row, record.id)));
      await Promise.all([
        generations.put(row),
        manifests.put(manifest, [machine.id, row.number]),
        machines.put({
          ...machine,
          opener: Math.max(before?.opener ?? 0, machine.opener),
          generation: row.number,
          takenAtMs: row.takenAtMs,
          sizeBytes: sizeOf([row]),
        }),
        lastOpener !== counters?.lastOpener && meta.put({ lastOpener }, 'counters'),
      ]);
      return [];
    },
  );
}

/** Copies the newest intact generation of a machine. @returns true if there was one */
export async function copyMachine(
  from: DatabaseConnection,
  to: DatabaseConnection,
  digest: Digest,
  id: string,
): Promise<boolean> {
  const whole = await newestWhole(from, digest, id);
  if (!whole) return false;
  const { records, family } = whole.row;
  const rows = await to.read(['generations'], doing, (transaction) =>
    transaction.objectStore('generations').index('family').getAll(family),
  );
  const there = vouchedForBy(rows);
  const missing = [...records].filter((id) => !there.has(id));
  const read = (ids: readonly number[]) => rowsOf(from, digest, ids);
  await putMissing(to, missing, read);
  await replicate(to, whole, new Set(missing), read);
  return true;
}
