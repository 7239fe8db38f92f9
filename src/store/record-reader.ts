/** Reads records ahead of the consumer, with some 24 MiB in flight. */
import { HoldfastError } from '../errors.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { mayBeLost, readAlone } from './lost-value.ts';
import { loadedRow, sizeOfRow } from './record-row.ts';
import type { RecordRow, StoredRow } from './schema.ts';

/** 4 MiB of small records. */
const batchLength = 16;
/** The consumer also does other work while they arrive. */
const batchesInFlight = 6;
/** Large ones are read one by one. */
const largeBytesInFlight = 24 * 1024 * 1024;

export interface StoredRecord {
  id: number;
  bytes: Uint8Array;
}

interface Reading {
  id: number;
  sizeBytes: number;
  isLarge: boolean;
  row: Promise<RecordRow | undefined>;
}

export async function* readRecords(
  connection: DatabaseConnection,
  digest: Digest,
  ids: readonly number[],
): AsyncGenerator<StoredRecord, void, undefined> {
  const reading: Reading[] = [];
  let sizeBytes = 0;
  const take = async function* (below: number) {
    for (let first = reading[0]; first; first = reading[0]) {
      // Large records share this limit, so that each has time to load.
      if (first.isLarge && sizeBytes < below) return;
      reading.shift();
      sizeBytes -= first.sizeBytes;
      const row = await first.row;
      yield { id: first.id, bytes: await wholeOrSpare(connection, digest, first.id, row) };
    }
  };
  for await (const { id, stored } of readRows(connection, ids)) {
    const row = loaded(connection, stored);
    // A consumer that stops never handles its error.
    row.catch(() => undefined);
    const own = stored ? sizeOfRow(stored) : 0;
    reading.push({ id, sizeBytes: own, isLarge: stored?.bytes instanceof Blob, row });
    sizeBytes += own;
    yield* take(largeBytesInFlight);
  }
  yield* take(0);
}

async function* readRows(connection: DatabaseConnection, ids: readonly number[]) {
  const batches: (readonly number[])[] = [];
  for (let at = 0; at < ids.length; at += batchLength)
    batches.push(ids.slice(at, at + batchLength));
  const reading: Promise<(StoredRow | undefined)[]>[] = [];
  for (const [index, batch] of batches.entries()) {
    for (const later of batches.slice(index + reading.length, index + batchesInFlight)) {
      const rows = readBatch(connection, later);
      // A consumer that stops never handles its error.
      rows.catch(() => undefined);
      reading.push(rows);
    }
    const rows = (await reading.shift()) ?? [];
    for (const [at, stored] of rows.entries()) yield { id: batch[at] as number, stored };
  }
}

async function loaded(
  connection: DatabaseConnection,
  stored: StoredRow | undefined,
): Promise<RecordRow | undefined> {
  const row = await loadedRow(stored);
  // If this read fails too, the database is damaged, not the record.
  if (stored && !row)
    await connection.read(['records'], doing, (transaction) =>
      transaction.objectStore('records').count(),
    );
  return row;
}

const doing = 'read the stored machine';

async function readBatch(
  connection: DatabaseConnection,
  ids: readonly number[],
): Promise<(StoredRow | undefined)[]> {
  try {
    return await connection.read(['records'], doing, (transaction) => {
      // In Chromium, many small requests at once are nearly twice as fast as one getAll.
      const records = transaction.objectStore('records');
      return Promise.all(ids.map((id) => records.get(id)));
    });
  } catch (thrown) {
    if (!mayBeLost(thrown)) throw thrown;
    return Promise.all(ids.map((id) => readAlone(connection, 'records', id, doing)));
  }
}

/** Returns a record. A damaged one is read from the second copy and repaired. */
async function wholeOrSpare(
  connection: DatabaseConnection,
  digest: Digest,
  id: number,
  row: RecordRow | undefined,
): Promise<Uint8Array> {
  try {
    return wholeRecord(row, id, digest);
  } catch (thrown) {
    const spare = await connection.spare?.();
    const copied = spare && (await readAlone(spare, 'records', id, doing).catch(() => undefined));
    const other = await loadedRow(copied).catch(() => undefined);
    if (!copied || !(other?.bytes instanceof Uint8Array)) throw thrown;
    if (digest(other.bytes, BigInt(id)) !== other.digest) throw thrown;
    const mending = { name: 'copy-records', stores: ['records'], durability: 'relaxed' } as const;
    // If it cannot be written, it is read from the copy again next time.
    connection
      .write({ ...mending, stores: ['records'], doing: 'mend the stored machine' }, (transaction) =>
        transaction.objectStore('records').put(copied, id),
      )
      .catch(() => undefined);
    return other.bytes;
  }
}

function wholeRecord(row: RecordRow | undefined, id: number, digest: Digest): Uint8Array {
  if (!row)
    throw new HoldfastError(
      'storage-damaged',
      `Record ${id} of the stored machine is missing or cannot be read.`,
    );
  if (!(row.bytes instanceof Uint8Array) || digest(row.bytes, BigInt(id)) !== row.digest) {
    throw new HoldfastError('storage-damaged', `Record ${id} of the stored machine is damaged.`);
  }
  return row.bytes;
}
