/**
 * Many blobs of a guest that arrives, in one message and one piece of memory. A small blob in a buffer
 * of its own takes a kilobyte more than it holds.
 */
import type { BlobItem, BlobsItem, NoBlobItem } from './state-transfer.ts';

/** Numbers of an entry: number of the stream, index, whole length, offset, begin and end in `bytes`. */
export const entryNumbers = 6;
/** In place of the begin: there is no such blob. */
export const noBlob = -1;

/** Their bytes are views of the item's. */
export function* blobsOf(item: BlobsItem): Generator<BlobItem | NoBlobItem> {
  const { bytes, streams, entries } = item;
  // Number by number: an array for each of a hundred thousand blobs is some ten MiB of garbage.
  for (let at = 0; at < entries.length; at += entryNumbers) {
    const stream = streams[entries[at] ?? 0] ?? '';
    const index = entries[at + 1] ?? 0;
    const begin = entries[at + 4] ?? noBlob;
    if (begin === noBlob) yield { kind: 'no-blob', stream, index };
    else {
      const part = bytes.subarray(begin, entries[at + 5]);
      const totalBytes = entries[at + 2] ?? 0;
      const offsetBytes = entries[at + 3] ?? 0;
      yield { kind: 'blob', stream, index, bytes: part, totalBytes, offsetBytes };
    }
  }
}
