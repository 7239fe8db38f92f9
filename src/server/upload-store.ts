import type { Readable } from 'node:stream';
import type { DataStore } from '@tus/server';

/** An unfinished or unpublished upload in storage. */
export interface StoredUpload {
  id: string;
  /** Time at which its newest part was written. */
  changedAtMs: number;
}

/**
 * Storage of uploads until they are published, and for a day of the answers to their publication.
 */
export interface UploadStore {
  /** For the tus server. */
  readonly tus: DataStore;
  /** Prefix of upload ids in {@link tus}. */
  readonly prefix: string;
  content(id: string): Promise<Readable>;
  /** Moves the content of an upload to a state's key. */
  moveTo(key: string, id: string): Promise<void>;
  getResult(id: string): Promise<string | undefined>;
  putResult(id: string, text: string): Promise<void>;
  /** Removes all of an upload except its result. A missing upload is no error. */
  remove(id: string): Promise<void>;
  list(): AsyncIterable<StoredUpload>;
  /** Removes older results and remains of crashes. */
  removeOld(olderThanMs: number): Promise<void>;
  /** Free bytes on the disk of the uploads; undefined: not known. */
  freeBytes(): Promise<number | undefined>;
}
