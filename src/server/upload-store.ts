import type { Readable } from 'node:stream';
import type { DataStore } from '@tus/server';

/** An unfinished or unpublished upload, as storage has it. */
export interface StoredUpload {
  id: string;
  /** When the newest part of it was written. */
  changedAtMs: number;
}

/** Where uploads are until they are published, and for a day what their publication answered. */
export interface UploadStore {
  /** For the tus server. */
  readonly tus: DataStore;
  /** Prefix of upload ids in {@link tus}. */
  readonly prefix: string;
  content(id: string): Promise<Readable>;
  /** Makes the content of an upload that of a state's key. */
  moveTo(key: string, id: string): Promise<void>;
  getResult(id: string): Promise<string | undefined>;
  putResult(id: string, text: string): Promise<void>;
  /** Removes all of an upload but its result. Nothing there is no error. */
  remove(id: string): Promise<void>;
  list(): AsyncIterable<StoredUpload>;
  /** Removes results, and what crashes left, that is older. */
  removeOld(olderThanMs: number): Promise<void>;
  /** Free bytes on the disk of the uploads; undefined: not known. */
  freeBytes(): Promise<number | undefined>;
}
