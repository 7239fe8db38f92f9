import xxhash, { type XXHashAPI } from 'xxhash-wasm';

/** xxHash64 of bytes. It protects against storage faults, not against people. */
export type Digest = (bytes: Uint8Array, seed?: bigint) => bigint;

/** Slice size for the hash: it copies its input into separate memory, which never shrinks. */
const sliceBytes = 1024 * 1024;

let loading: Promise<Digest> | undefined;

export function loadDigest(): Promise<Digest> {
  loading ??= xxhash().then(sliced);
  return loading;
}

const sliced =
  ({ h64Raw, create64 }: XXHashAPI): Digest =>
  (bytes, seed = 0n) => {
    if (bytes.length <= sliceBytes) return h64Raw(bytes, seed);
    const state = create64(seed);
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      state.update(bytes.subarray(at, at + sliceBytes));
    }
    return state.digest();
  };
