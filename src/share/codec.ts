/** Compression and digests: the one place that knows the libraries. */
import { compress, decompress, init } from '@bokuweb/zstd-wasm';
import xxhash, { type XXHash } from 'xxhash-wasm';
import type { Digest } from '../cpr/vmstate.ts';
import { badState } from './bad-state.ts';

export interface Codec {
  /** @param level of zstd, 1 to 19 */
  compress(bytes: Uint8Array, level: number): Uint8Array<ArrayBuffer>;
  /** @throws CprError `bad-state-file` unless it becomes exactly so many bytes */
  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array<ArrayBuffer>;
  digest: Digest;
  newDigest(): XXHash<bigint>;
}

let loading: Promise<Codec> | undefined;

/** Compiled once. */
export function loadCodec(): Promise<Codec> {
  loading ??= Promise.all([init(), xxhash()]).then(([, { h64Raw, create64 }]) => ({
    compress: (bytes, level) => compress(bytes, level) as Uint8Array<ArrayBuffer>,
    decompress: (bytes, rawBytes) => {
      // The library allocates what this header claims.
      if (contentBytes(bytes) !== rawBytes) throw badState('A part of the state is damaged.');
      try {
        const raw = decompress(bytes) as Uint8Array<ArrayBuffer>;
        if (raw.length === rawBytes) return raw;
      } catch (cause) {
        throw badState('A part of the state is damaged.', cause);
      }
      throw badState('A part of the state is damaged.');
    },
    digest: h64Raw,
    newDigest: () => create64(),
  }));
  return loading;
}

export const digestText = (digest: bigint) => `xxh64:${digest.toString(16).padStart(16, '0')}`;

/** What a zstd frame says it holds (RFC 8878, 3.1.1.1); undefined where it does not say. */
export function contentBytes(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 18 && frame.length < 6) return undefined;
  if (view.getUint32(0, true) !== 0xfd2fb528) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const fieldBytes = sizeFlag === 0 ? Number(isSingleSegment) : 1 << sizeFlag;
  if (fieldBytes === 0 || at + fieldBytes > frame.length) return undefined;
  switch (fieldBytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
