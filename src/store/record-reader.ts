/** Reads records, ahead of whoever takes them, with some 24 MiB in flight. */
import { CprError } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { Digest } from './digest.ts';
import { mayBeLost, readAlone } from './lost-value.ts';
import type { RecordRow } from './schema.ts';

/** 4 MiB of records of the usual size. */
const batchLength = 16;
/** Whoever takes them is busy with other things, too, while they come. */
const batchesInFlight = 6;

export interface StoredRecord {
  id: number;
  bytes: Uint8Array;
}

export async function* readRecords(
  connection: Connection,
  digest: Digest,
  ids: readonly number[],
): AsyncGenerator<StoredRecord, void, undefined> {
  const batches: (readonly number[])[] = [];
  for (let at = 0; at < ids.length; at += batchLength)
    batches.push(ids.slice(at, at + batchLength));
  const reading: Promise<(RecordRow | undefined)[]>[] = [];
  for (const [index, batch] of batches.entries()) {
    for (const later of batches.slice(index + reading.length, index + batchesInFlight)) {
      const rows = readBatch(connection, later);
      // Whoever stops taking never looks at it.
      rows.catch(() => undefined);
      reading.push(rows);
    }
    const rows = (await reading.shift()) ?? [];
    for (const [at, row] of rows.entries()) {
      const id = batch[at] as number;
      yield { id, bytes: await wholeOrSpare(connection, digest, id, row) };
    }
  }
}

const doing = 'read the stored machine';

async function readBatch(
  connection: Connection,
  ids: readonly number[],
): Promise<(RecordRow | undefined)[]> {
  try {
    return await connection.read(['records'], doing, (transaction) => {
      // Many small requests at once are nearly twice as fast in Chromium as one getAll.
      const records = transaction.objectStore('records');
      return Promise.all(ids.map((id) => records.get(id)));
    });
  } catch (thrown) {
    if (!mayBeLost(thrown)) throw thrown;
    return Promise.all(ids.map((id) => readAlone(connection, 'records', id, doing)));
  }
}

/** A record that is damaged here comes from the second copy, and is mended with it. */
async function wholeOrSpare(
  connection: Connection,
  digest: Digest,
  id: number,
  row: RecordRow | undefined,
): Promise<Uint8Array> {
  try {
    return wholeRecord(row, id, digest);
  } catch (thrown) {
    const spare = await connection.spare?.();
    const other = spare && (await readAlone(spare, 'records', id, doing).catch(() => undefined));
    if (!other || !(other.bytes instanceof Uint8Array)) throw thrown;
    if (digest(other.bytes, BigInt(id)) !== other.digest) throw thrown;
    const mending = { name: 'copy-records', stores: ['records'], durability: 'relaxed' } as const;
    // Where it cannot be written, it is read from the copy again.
    connection
      .write({ ...mending, stores: ['records'], doing: 'mend the stored machine' }, (transaction) =>
        transaction.objectStore('records').put(other, id),
      )
      .catch(() => undefined);
    return other.bytes;
  }
}

function wholeRecord(row: RecordRow | undefined, id: number, digest: Digest): Uint8Array {
  if (!row)
    throw new CprError(
      'storage-damaged',
      `Record ${id} of the stored machine is missing or cannot be read.`,
    );
  if (!(row.bytes instanceof Uint8Array) || digest(row.bytes, BigInt(id)) !== row.digest) {
    throw new CprError('storage-damaged', `Record ${id} of the stored machine is damaged.`);
  }
  return row.bytes;
}
