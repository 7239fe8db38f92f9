/** Parts of a state file, and the memory that they take beside the guest's own. */
import { blobsOf, entryNumbers, noBlob } from '../../protocol/blobs-item.ts';
import type {
  BlobItem,
  BlobsItem,
  DeviceStateItem,
  ImportPages,
} from '../../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';
import { readBlobs } from './blob-group.ts';
import { stateLimits } from './state-limits.ts';

/** A part of a disk or image that exists only in the file. */
export interface ContentsItem {
  kind: 'contents';
  blob: BlobItem;
}

/** A part of the file, as in its frames. */
export type StatePart = ImportPages | BlobsItem | DeviceStateItem | ContentsItem;

/** @param bytes in addition to earlier ones */
export type MakeRoom = (bytes: number) => Promise<void> | void;

/** Counts the memory of all parts, see docs/spec/state-file.md, [SF7]. */
export class PartRoom {
  readonly #make: MakeRoom | undefined;
  #bytes = 0;

  /** @param make called before a part that needs memory; may wait, and refuse */
  constructor(make: MakeRoom | undefined) {
    this.#make = make;
  }

  /** @throws HoldfastError `bad-state-file`, or errors of the one who makes room */
  async take(part: StatePart): Promise<void> {
    const needed = roomOf(part);
    this.#bytes += needed;
    if (this.#bytes > stateLimits.blobBytes) throw badState('This state file is too large.');
    if (needed > 0) await this.#make?.(needed);
  }
}

/** Returns the room for a part. The first part of a blob counts for all of it. */
function roomOf(part: StatePart): number {
  if (part.kind === 'contents') return roomOfBlob(part.blob.offsetBytes, part.blob.totalBytes);
  if (part.kind !== 'blobs') return 0;
  const { entries } = part;
  let bytes = 0;
  for (let at = 0; at < entries.length; at += entryNumbers) {
    const isAbsent = entries[at + 4] === noBlob;
    bytes += roomOfBlob(isAbsent ? noBlob : (entries[at + 3] ?? 0), entries[at + 2] ?? 0);
  }
  return bytes;
}

function roomOfBlob(offsetBytes: number, totalBytes: number): number {
  const { leastBlobBytes, blobOverheadBytes } = stateLimits;
  return (offsetBytes === 0 ? Math.max(totalBytes, leastBlobBytes) : 0) + blobOverheadBytes;
}

/** @throws HoldfastError `bad-state-file` */
export function* contentsOf(raw: Uint8Array<ArrayBuffer>): Generator<ContentsItem> {
  for (const blob of blobsOf(readBlobs(raw))) {
    if (blob.kind !== 'blob') throw badState('This state file leaves out what it begins.');
    yield { kind: 'contents', blob };
  }
}
