/**
 * The codec of a keeper, which only reads: a fiftieth of the one that also writes. It takes some three times
 * as long for a pack, which is little beside the request.
 */
import { decompress } from 'fzstd';
import xxhash from 'xxhash-wasm';
import { zstdContentBytes } from '../../protocol/zstd-frame.ts';
import { badState } from '../format/bad-state.ts';
import type { ReadingCodec } from '../format/codec.ts';

let loading: Promise<ReadingCodec> | undefined;

export function loadReadingCodec(): Promise<ReadingCodec> {
  loading ??= xxhash().then(({ h64Raw }) => ({ digest: h64Raw, decompress: decompressed }));
  return loading;
}

function decompressed(bytes: Uint8Array, rawBytes: number): Uint8Array<ArrayBuffer> {
  if (zstdContentBytes(bytes) !== rawBytes) throw badState('A part of the state is damaged.');
  const raw = new Uint8Array(rawBytes);
  try {
    // A frame that has more than it says would go to another buffer.
    if (decompress(bytes, raw).buffer === raw.buffer) return raw;
  } catch (cause) {
    throw badState('A part of the state is damaged.', cause);
  }
  throw badState('A part of the state is damaged.');
}
