/**
 * Waits for the bytes of large values to leave the process that writes them. In a private window,
 * Chromium commits a transaction before it has fetched the bytes of the transaction's Blobs. If the
 * writer ends in between, those values can never be read. A read waits for the bytes.
 */
import { HoldfastError } from '../errors.ts';
import { answerTo, writeMs } from './answers.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Bytes, GenerationRow, StoredRow, StoreSchema, Stores } from './schema.ts';

/**
 * Chromium sends an array of up to 256,000 bytes with the call that stores it. It makes a Blob of a
 * larger one.
 */
export const sentWithCallBytes = 250_000;
/** Elsewhere, arrays up to this size are stored faster than Blobs. */
const usualBytes = 512 * 1024;

const doing = 'store the machine';

/**
 * True where a commit does not wait for the bytes. No feature tells it. Without a window the name is
 * HeadlessChrome. In Firefox, a worker's use of Blobs needs the page's thread, and so does `userAgent`.
 * A page that closes blocks that thread until its guest is stored: so the name is read beforehand.
 */
const commitsEarly = /Chrome\//.test(globalThis.navigator?.userAgent ?? '');

/** The size from which a record is stored as a Blob. */
export const leastBlobBytes = commitsEarly ? sentWithCallBytes : usualBytes;

/** The Blobs whose bytes the browser has. Both places are given the same ones. */
const transferred = new WeakSet<Blob>();

/**
 * Resolves when the browser has the bytes of these stored rows.
 * @throws HoldfastError `storage-full` if the browser could not take them
 */
export async function rowsTransferred(rows: Iterable<{ row: StoredRow }>): Promise<void> {
  if (!commitsEarly) return;
  const blobs: Blob[] = [];
  for (const { row } of rows)
    if (row.bytes instanceof Blob && !transferred.has(row.bytes)) blobs.push(row.bytes);
  if (blobs.length === 0) return;
  const first = Promise.all(blobs.map((blob) => blob.slice(0, 1).arrayBuffer()));
  await taken(answerTo(first, doing, writeMs));
  for (const blob of blobs) transferred.add(blob);
}

/**
 * Like {@link rowsTransferred}, for values that were stored as arrays.
 * @param largestBytes size of the largest value
 */
export async function valuesTransferred<Name extends Extract<Stores, 'manifests' | 'entryParts'>>(
  connection: DatabaseConnection,
  store: Name,
  keys: Iterable<StoreSchema[Name]['key']>,
  largestBytes: number,
): Promise<void> {
  if (!commitsEarly || largestBytes < sentWithCallBytes) return;
  // One at a time, so that the copies do not double a state's memory.
  for (const key of keys)
    await taken(
      connection.read([store], doing, (transaction) => transaction.objectStore(store).get(key)),
    );
}

/** Like {@link rowsTransferred}, for a published generation with the records that came with it. */
export async function generationTransferred(
  connection: DatabaseConnection,
  { row, manifest }: { row: GenerationRow; manifest: Bytes },
  held: Iterable<{ row: StoredRow }>,
): Promise<void> {
  await rowsTransferred(held);
  const keys: [string, number][] = [[row.machine, row.number]];
  await valuesTransferred(connection, 'manifests', keys, manifest.byteLength);
}

async function taken(reading: Promise<unknown>): Promise<void> {
  try {
    await reading;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const message = 'The browser has no room for what is stored. Free some space, then try again.';
    throw new HoldfastError('storage-full', message, { cause });
  }
}
