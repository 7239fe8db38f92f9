import type { Readable } from 'node:stream';

/** Bytes `start` to `end`, both included, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Where published states are: a folder or a bucket. Keys are paths of lower-case words and digests
 * (see {@link checkKey}); what stands at a key appears as a whole or not at all, and is there after a
 * power cut once the promise has resolved.
 */
export interface ObjectStore {
  /** Makes a local file the content of a key. The file may be gone afterwards. */
  putFile(key: string, path: string): Promise<void>;
  putText(key: string, text: string): Promise<void>;
  getText(key: string): Promise<string | undefined>;
  /** Undefined: there is nothing. */
  size(key: string): Promise<number | undefined>;
  /** @throws HttpError 404 if there is nothing */
  read(key: string, range?: ByteRange): Promise<Readable>;
  /** Removes what is there; nothing there is no error. */
  remove(key: string): Promise<void>;
  /** All keys that begin with `prefix`, which ends in a slash, in no particular order. */
  list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }>;
  /** Removes what writes that a crash ended have left. */
  removeTemporaries(olderThanMs: number): Promise<void>;
  /** An address where a browser can read the key without this server, for a while. */
  directUrl?(key: string): Promise<string>;
}

const keyShape = /^[a-z]+(\/[0-9a-f]{64}){1,2}$/;

export const isKey = (text: string) => keyShape.test(text);

/** @throws TypeError if a key is not one of ours: nothing that a client sent becomes a path unchecked */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new TypeError(`${JSON.stringify(key)} is no key`);
  return key;
}
