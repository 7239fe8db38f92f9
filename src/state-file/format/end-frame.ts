/** The last frame of a state file of format 2. It has a fixed size, so a reader finds it from the end. */
import type { Digest } from '../../vmstate/vmstate.ts';
import { badState } from './bad-state.ts';
import { frameHeaderBytes } from './frame.ts';

export interface EndOfFile {
  /** The file's own. */
  digest: bigint;
  /** Offset of the first frame of hot pages, or of the cut. */
  tailAt: number;
  /** Offset of the index frame. It ends where the end frame begins. */
  indexAt: number;
}

const endContentsBytes = 24;
export const endFrameBytes = frameHeaderBytes + endContentsBytes;

export function encodeEnd({ digest, tailAt, indexAt }: EndOfFile): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(endContentsBytes);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, digest, true);
  view.setBigUint64(8, BigInt(tailAt), true);
  view.setBigUint64(16, BigInt(indexAt), true);
  return out;
}

/**
 * @param endAt offset of the end frame
 * @throws HoldfastError `bad-state-file`
 */
export function decodeEnd(contents: Uint8Array, endAt: number): EndOfFile {
  if (contents.length !== endContentsBytes) throw badState('This state file has another end.');
  const view = new DataView(contents.buffer, contents.byteOffset, contents.byteLength);
  const tailAt = Number(view.getBigUint64(8, true));
  const indexAt = Number(view.getBigUint64(16, true));
  // The comparisons are false for a number that is not exact.
  const isSound = tailAt + frameHeaderBytes <= indexAt && indexAt + frameHeaderBytes <= endAt;
  if (!isSound) throw badState('The end of this state file names places that are not in it.');
  return { digest: view.getBigUint64(0, true), tailAt, indexAt };
}

/**
 * Returns the digest of a file. The preamble has the digest of the head. The header of the index has
 * the digest of the index, and that has the header of every other frame.
 */
export const fileDigest = (preamble: Uint8Array, indexHeader: Uint8Array, digest: Digest) =>
  digest(indexHeader, digest(preamble));
