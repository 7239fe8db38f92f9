/** Blobs of a state file, as they stand in a frame. See docs/spec/state-file.md, "Frames". */
import { blobsOf, noBlob } from '../../protocol/blobs-item.ts';
import type { BlobItem, BlobsItem, NoBlobItem } from '../../protocol/state-transfer.ts';
import { badState } from './bad-state.ts';
import { stateLimits } from './state-limits.ts';

/** Name's length u16, index u32, whole length f64, offset f64, length u32. */
const entryBytes = 26;
/** Value in place of the length: no such blob, even if the base has one. */
const absent = 0xffffffff;

/**
 * Encodes entries one after the other: name's length, index, whole length, offset, length, name,
 * bytes.
 */
export function encodeBlobs(blobs: readonly (BlobItem | NoBlobItem)[]): Uint8Array<ArrayBuffer> {
  const names = blobs.map(({ stream }) => new TextEncoder().encode(stream));
  const lengthOf = (blob: BlobItem | NoBlobItem) => (blob.kind === 'blob' ? blob.bytes.length : 0);
  const total = blobs.reduce(
    (sum, blob, i) => sum + entryBytes + (names[i]?.length ?? 0) + lengthOf(blob),
    0,
  );
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [i, blob] of blobs.entries()) {
    const name = names[i] ?? new Uint8Array();
    view.setUint16(at, name.length, true);
    view.setUint32(at + 2, blob.index, true);
    view.setFloat64(at + 6, blob.kind === 'blob' ? blob.totalBytes : 0, true);
    view.setFloat64(at + 14, blob.kind === 'blob' ? blob.offsetBytes : 0, true);
    view.setUint32(at + 22, blob.kind === 'blob' ? blob.bytes.length : absent, true);
    out.set(name, at + entryBytes);
    at += entryBytes + name.length;
    if (blob.kind === 'blob') out.set(blob.bytes, at);
    at += lengthOf(blob);
  }
  return out;
}

/** Decodes blobs in place, without a copy of `raw`. @throws HoldfastError `bad-state-file` */
export function readBlobs(raw: Uint8Array<ArrayBuffer>): BlobsItem {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const cutOff = () => badState('A part of this state file is cut off.');
  const streams = new Map<string, number>();
  const entries: number[] = [];
  let stream = 0;
  let name = '';
  /** Start and end of the previous blob's name. */
  let [nameAt, nameEnd] = [0, 0];
  for (let at = 0; at < raw.length; ) {
    if (at + entryBytes > raw.length) throw cutOff();
    const nameBytes = view.getUint16(at, true);
    const index = view.getUint32(at + 2, true);
    const totalBytes = view.getFloat64(at + 6, true);
    const offsetBytes = view.getFloat64(at + 14, true);
    const length = view.getUint32(at + 22, true);
    const bytesAt = at + entryBytes + nameBytes;
    if (nameBytes > stateLimits.nameBytes || bytesAt > raw.length) throw cutOff();
    // Successive blobs are mostly of one stream.
    if (entries.length === 0 || !repeats(raw, nameAt, nameEnd, at + entryBytes, bytesAt)) {
      name = nameOf(raw.subarray(at + entryBytes, bytesAt));
      stream = streams.get(name) ?? streams.size;
      streams.set(name, stream);
    }
    [nameAt, nameEnd] = [at + entryBytes, bytesAt];
    if (length === absent) {
      at = bytesAt;
      entries.push(stream, index, 0, 0, noBlob, noBlob);
      continue;
    }
    at = bytesAt + length;
    if (at > raw.length) throw cutOff();
    const isSound =
      Number.isSafeInteger(totalBytes) &&
      Number.isSafeInteger(offsetBytes) &&
      offsetBytes >= 0 &&
      offsetBytes + length <= totalBytes &&
      totalBytes <= stateLimits.blobBytes;
    if (!isSound) throw badState(`The state's "${name}" has lengths that make no sense.`);
    entries.push(stream, index, totalBytes, offsetBytes, bytesAt, at);
  }
  return {
    kind: 'blobs',
    bytes: raw,
    streams: [...streams.keys()],
    entries: Float64Array.from(entries),
  };
}

/** Yields the blobs with copies of their bytes. */
export function* ownBlobsOf(item: BlobsItem): Generator<BlobItem | NoBlobItem> {
  for (const blob of blobsOf(item))
    yield blob.kind === 'blob' ? { ...blob, bytes: blob.bytes.slice() } : blob;
}

/** Returns true if the bytes from `at` to `end` equal those from `before` to `beforeEnd`. */
function repeats(raw: Uint8Array, before: number, beforeEnd: number, at: number, end: number) {
  if (end - at !== beforeEnd - before) return false;
  for (let i = at; i < end; i++) if (raw[i] !== raw[before + i - at]) return false;
  return true;
}

/** One decoder for all: each takes a kilobyte until it is collected. */
const names = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function nameOf(bytes: Uint8Array): string {
  try {
    return names.decode(bytes);
  } catch (cause) {
    throw badState('A name in this state file is not text.', cause);
  }
}
