/**
 * Many blobs of an imported guest, in one message and one piece of memory. A separate buffer for
 * each small blob takes a kilobyte more than its contents.
 */
import type { BlobItem, BlobsItem, NoBlobItem } from './state-transfer.ts';

/**
 * Numbers in an entry: number of the stream, index, whole length, offset, begin and end in `bytes`.
 */
export const entryNumbers = 6;
/** Value in place of the begin: no such blob exists. */
export const noBlob = -1;

/** Yields the blobs of an item. Their bytes are views of the item's bytes. */
export function* blobsOf(item: BlobsItem): Generator<BlobItem | NoBlobItem> {
  const { bytes, streams, entries } = item;
  // Number by number: an array for each of a hundred thousand blobs makes some ten MiB of garbage.
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
