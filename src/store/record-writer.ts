/** Puts records in transactions of a few MiB: records that are put at once are written together. */
import type { Digest } from './digest.ts';
import { rowOf, sizeOfRow } from './record-row.ts';
import type { Bytes, StoredRow } from './schema.ts';

/** A larger transaction is not faster, and the browser holds it all until it commits. */
const batchBytes = 8 * 1024 * 1024;

export interface NewRecord {
  id: number;
  row: StoredRow;
}

interface Pending extends NewRecord {
  done(): void;
  fail(thrown: unknown): void;
}

export class RecordWriter {
  readonly #digest: Digest;
  readonly #write: (records: readonly NewRecord[]) => Promise<void>;
  #queue: Pending[] = [];

  /** @param write commits records in one transaction */
  constructor(digest: Digest, write: (records: readonly NewRecord[]) => Promise<void>) {
    this.#digest = digest;
    this.#write = write;
  }

  /** Resolves when the record is committed. */
  put(id: number, bytes: Uint8Array): Promise<void> {
    const row = rowOf(id, cloneable(bytes), this.#digest);
    return new Promise((done, fail) => {
      if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
      this.#queue.push({ id, row, done, fail });
    });
  }

  #flush(): void {
    for (const batch of batchesOf(this.#queue)) {
      this.#write(batch).then(
        () => {
          for (const { done } of batch) done();
        },
        (thrown) => {
          for (const { fail } of batch) fail(thrown);
        },
      );
    }
    this.#queue = [];
  }
}

/**
 * Returns bytes that own their whole buffer. A structured clone copies the whole buffer of a view,
 * and refuses shared memory.
 */
export function cloneable(bytes: Uint8Array): Bytes {
  const { buffer, byteLength } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? (bytes as Bytes)
    : (bytes.slice() as Bytes);
}

function batchesOf(pending: readonly Pending[]): Pending[][] {
  const batches: Pending[][] = [];
  let size = batchBytes;
  for (const record of pending) {
    const sizeBytes = sizeOfRow(record.row);
    if (size + sizeBytes > batchBytes) {
      batches.push([]);
      size = 0;
    }
    batches.at(-1)?.push(record);
    size += sizeBytes;
  }
  return batches;
}
