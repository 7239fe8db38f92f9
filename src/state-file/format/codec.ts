/** Compression and digests. Only this file uses the libraries. */
import {
  compressUsingDict,
  createCCtx,
  createDCtx,
  decompressUsingDict,
  init,
} from '@bokuweb/zstd-wasm';
import xxhash, { type XXHash } from 'xxhash-wasm';
import { zstdContentBytes } from '../../protocol/zstd-frame.ts';
import type { Digest } from '../../vmstate/vmstate.ts';
import { badState } from './bad-state.ts';

/** The part that a reader in any order needs. */
export type ReadingCodec = Pick<Codec, 'decompress' | 'digest'>;

export interface Codec {
  /** @param level of zstd, 1 to 19 */
  compress(bytes: Uint8Array, level: number): Uint8Array<ArrayBuffer>;
  /** @throws HoldfastError `bad-state-file` unless it unpacks to exactly this many bytes */
  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array<ArrayBuffer>;
  digest: Digest;
  newDigest(): XXHash<bigint>;
}

let loading: Promise<Codec> | undefined;
/** Tables of zstd: new ones for each small frame would take an eighth of the time. */
const contexts: { compress?: number; decompress?: number } = {};
const noDictionary = new Uint8Array();

/** Loads the codec, compiled once. */
export function loadCodec(): Promise<Codec> {
  loading ??= Promise.all([init(), xxhash()]).then(([, { h64Raw, create64 }]) => ({
    compress: (bytes, level) => {
      contexts.compress ??= createCCtx();
      const { compress } = contexts;
      return compressUsingDict(compress, bytes, noDictionary, level) as Uint8Array<ArrayBuffer>;
    },
    decompress: (bytes, rawBytes) => {
      // The library allocates what this header claims.
      if (zstdContentBytes(bytes) !== rawBytes) throw badState('A part of the state is damaged.');
      try {
        contexts.decompress ??= createDCtx();
        const { decompress } = contexts;
        const raw = decompressUsingDict(decompress, bytes, noDictionary) as Uint8Array<ArrayBuffer>;
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
