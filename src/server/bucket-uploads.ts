import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { S3Store } from '@tus/s3-store';
import { type BucketOptions, type BucketStore, clientConfigOf } from './bucket-store.ts';
import { notFound } from './http.ts';
import type { StoredUpload, UploadStore } from './upload-store.ts';

const uploadKey = /^uploads\/([0-9a-f]{32})(\.info|\.part|\.result)?$/;

/**
 * Uploads in the bucket of the states, so that any process can continue them. The received data is
 * parts of a multipart upload; `uploads/ID.info` describes it.
 */
export class BucketUploads implements UploadStore {
  readonly prefix = 'uploads/';
  readonly tus: S3Store;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #states: BucketStore;

  constructor(options: BucketOptions, states: BucketStore) {
    const config = clientConfigOf(options);
    this.#bucket = options.bucket;
    this.#states = states;
    this.#client = new S3Client(config);
    this.tus = new S3Store({
      // No cache: another process may have removed the entry.
      cache: { get: async () => undefined, set: async () => {}, delete: async () => {} },
      useTags: false,
      s3ClientConfig: { ...config, bucket: options.bucket },
    });
  }

  async content(id: string): Promise<Readable> {
    const key = this.prefix + id;
    const object = (await this.#get(key)) ?? (await this.#complete(key));
    if (!object) throw notFound('There is no such upload. It may have expired.');
    return object;
  }

  moveTo(key: string, id: string): Promise<void> {
    return this.#states.copyFrom(this.prefix + id, key);
  }

  async getResult(id: string): Promise<string | undefined> {
    const object = await this.#client
      .send(new GetObjectCommand(this.#at(`${this.prefix}${id}.result`)))
      .catch(unlessMissing);
    return object?.Body?.transformToString();
  }

  async putResult(id: string, text: string): Promise<void> {
    const at = this.#at(`${this.prefix}${id}.result`);
    await this.#client.send(new PutObjectCommand({ ...at, Body: text }));
  }

  async remove(id: string): Promise<void> {
    await this.tus.remove(this.prefix + id).catch((error: { status_code?: number }) => {
      if (error.status_code !== 404) throw error;
    });
    for (const suffix of ['', '.info', '.part']) await this.#delete(this.prefix + id + suffix);
  }

  async *list(): AsyncIterable<StoredUpload> {
    const uploads = new Map<string, StoredUpload>();
    for await (const { id, suffix, changedAtMs } of this.#objects()) {
      if (suffix === '.result') continue;
      const other = uploads.get(id)?.changedAtMs ?? 0;
      uploads.set(id, { id, changedAtMs: Math.max(changedAtMs, other) });
    }
    yield* uploads.values();
  }

  async removeOld(olderThanMs: number): Promise<void> {
    for await (const { key, suffix, changedAtMs } of this.#objects()) {
      if (suffix !== '.result' || Date.now() - changedAtMs < olderThanMs) continue;
      await this.#delete(key);
    }
  }

  async freeBytes(): Promise<undefined> {
    return undefined;
  }

  /**
   * Completes an upload. A process that ends between the last part and the completion leaves all
   * parts, and no object.
   */
  async #complete(key: string): Promise<Readable | undefined> {
    const { offset } = await this.tus.getUpload(key);
    try {
      await this.tus.write(Readable.from([]), key, offset);
    } catch (error) {
      // Already completed, and the object is gone: another process has published or removed it.
      if (error instanceof S3ServiceException) return undefined;
      throw error;
    }
    return this.#get(key);
  }

  async #get(key: string): Promise<Readable | undefined> {
    const object = await this.#client
      .send(new GetObjectCommand(this.#at(key)))
      .catch(unlessMissing);
    return object?.Body as Readable | undefined;
  }

  async #delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#at(key))).catch(unlessMissing);
  }

  async *#objects(): AsyncIterable<{
    key: string;
    id: string;
    suffix: string;
    changedAtMs: number;
  }> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.prefix },
    );
    for await (const { Contents = [] } of pages) {
      for (const { Key: key = '', LastModified } of Contents) {
        const [, id, suffix = ''] = uploadKey.exec(key) ?? [];
        if (id) yield { key, id, suffix, changedAtMs: LastModified?.getTime() ?? 0 };
      }
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404)
    return undefined;
  throw error;
}
