import type { Readable } from 'node:stream';

/** Bytes `start` to `end`, both inclusive, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Storage of published states: a folder or a bucket. Keys are paths of lower-case words and digests
 * (see {@link checkKey}). The content of a key appears as a whole or not at all. It survives a
 * power cut once the promise has resolved.
 */
export interface ObjectStore {
  /** Makes a local file the content of a key. The file may be gone afterwards. */
  putFile(key: string, path: string): Promise<void>;
  putText(key: string, text: string): Promise<void>;
  getText(key: string): Promise<string | undefined>;
  /** Returns undefined if the key has no content. */
  size(key: string): Promise<number | undefined>;
  /** @throws HttpError 404 if the key has no content */
  read(key: string, range?: ByteRange): Promise<Readable>;
  /** Removes the content of a key; a missing key is no error. */
  remove(key: string): Promise<void>;
  /** Returns all keys that begin with `prefix`, which ends in a slash, in no particular order. */
  list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }>;
  /** Removes partial files of writes that a crash ended. */
  removeTemporaries(olderThanMs: number): Promise<void>;
  /** Returns a temporary URL at which a browser can read the key without this server. */
  directUrl?(key: string): Promise<string>;
}

const keyShape = /^[a-z]+(\/[0-9a-f]{64}){1,2}$/;

export const isKey = (text: string) => keyShape.test(text);

/** @throws TypeError for an invalid key, so that client input never becomes a path unchecked */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new TypeError(`${JSON.stringify(key)} is no key`);
  return key;
}
