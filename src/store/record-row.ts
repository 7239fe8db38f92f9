/** A record in the database: small ones as an array, large ones as a Blob. */
import { HoldfastError } from '../errors.ts';
import { answerTo, readMs } from './answers.ts';
import type { Digest } from './digest.ts';
import type { Bytes, RecordRow, StoredRow } from './schema.ts';
import { leastBlobBytes } from './transferred.ts';

/** @param bytes all of their buffer; a large record's bytes are not needed afterwards */
export function rowOf(id: number, bytes: Bytes, digest: Digest): StoredRow {
  const isLarge = bytes.byteLength >= leastBlobBytes;
  return { bytes: isLarge ? new Blob([bytes]) : bytes, digest: digest(bytes, BigInt(id)) };
}

export const sizeOfRow = ({ bytes }: StoredRow): number =>
  bytes instanceof Blob ? bytes.size : bytes.byteLength;

/**
 * @returns undefined if the file of a Blob is torn or missing
 * @throws HoldfastError `storage-blocked` if the browser does not answer
 */
export async function loadedRow(row: StoredRow | undefined): Promise<RecordRow | undefined> {
  if (!(row?.bytes instanceof Blob)) return row as RecordRow | undefined;
  try {
    const reading = answerTo(row.bytes.arrayBuffer(), 'read the stored machine', readMs);
    return { ...row, bytes: new Uint8Array(await reading) };
  } catch (thrown) {
    if (thrown instanceof HoldfastError) throw thrown;
    return undefined;
  }
}
