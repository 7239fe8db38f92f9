import xxhash, { type XXHashAPI } from 'xxhash-wasm';

let loading: Promise<XXHashAPI> | undefined;

/** xxHash64, compiled once. */
export function xxh64(): Promise<XXHashAPI> {
  loading ??= xxhash();
  return loading;
}
