/** Reads records, ahead of whoever takes them, with a few MiB in flight. */
import { CprError } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { Digest } from './digest.ts';
import { mayBeLost, readAlone } from './lost-value.ts';
import type { RecordRow } from './schema.ts';

/** 4 MiB of records of the usual size; one batch is read while another is taken. */
const batchLength = 16;

export interface StoredRecord {
  id: number;
  bytes: Uint8Array;
}

export async function* readRecords(
  connection: Connection,
  digest: Digest,
  ids: readonly number[],
): AsyncGenerator<StoredRecord, void, undefined> {
  let next = readBatch(connection, ids.slice(0, batchLength));
  for (let at = 0; at < ids.length; at += batchLength) {
    const batch = await next;
    next = readBatch(connection, ids.slice(at + batchLength, at + 2 * batchLength));
    // Whoever stops taking never looks at it.
    next.catch(() => undefined);
    for (const [index, row] of batch.entries()) {
      const id = ids[at + index] as number;
      yield { id, bytes: wholeRecord(row, id, digest) };
    }
  }
}

const doing = 'read the stored machine';

async function readBatch(
  connection: Connection,
  ids: readonly number[],
): Promise<(RecordRow | undefined)[]> {
  if (ids.length === 0) return [];
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
