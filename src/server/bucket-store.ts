import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { notFound } from './http.ts';
import { type ByteRange, checkKey, isKey, type ObjectStore } from './object-store.ts';

/** A bucket of an S3-compatible object storage. */
export interface BucketOptions {
  bucket: string;
  /** URL of the storage; absent: Amazon's own. */
  endpoint?: string;
  region: string;
  /** Absent: found by the AWS SDK (environment, profile, role of the machine). */
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Redirects reads of browsers to the bucket, which must allow their origin (CORS). */
  redirectReads: boolean;
}

/** Headers of a state for browsers that read from the bucket. */
const stateHeaders = {
  ContentType: 'application/octet-stream',
  ContentDisposition: 'attachment',
  CacheControl: 'public, max-age=31536000, immutable',
};

/** Returns the AWS SDK's configuration of a bucket. */
export const clientConfigOf = ({
  endpoint,
  region,
  credentials,
}: BucketOptions): S3ClientConfig => ({
  region,
  // Names of buckets as paths: other storages than Amazon's rarely have a host name for each.
  ...(endpoint && { endpoint, forcePathStyle: true }),
  ...(credentials && { credentials }),
  // Only Amazon supports checksums in trailers; our own is checked before anything is stored.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});

const partBytes = 8 * 1024 * 1024;
const directUrlLifetimeS = 3600;

/** States as objects in a bucket. Uploads are streamed in parts, a few at a time. */
export class BucketStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly directUrl?: (key: string) => Promise<string>;

  constructor(options: BucketOptions) {
    this.#bucket = options.bucket;
    this.#client = new S3Client(clientConfigOf(options));
    if (options.redirectReads) {
      this.directUrl = (key) =>
        getSignedUrl(this.#client, new GetObjectCommand(this.#at(key)), {
          expiresIn: directUrlLifetimeS,
        });
    }
  }

  async putFile(key: string, path: string): Promise<void> {
    const upload = new Upload({
      client: this.#client,
      params: {
        ...this.#at(key),
        ...stateHeaders,
        Body: createReadStream(path),
      },
      partSize: partBytes,
      queueSize: 3,
    });
    await upload.done();
  }

  /**
   * Copies another object of the bucket to a key, up to 5 GiB.
   * @throws HttpError 404 if there is none
   */
  async copyFrom(from: string, key: string): Promise<void> {
    const copied = await unlessMissing(
      this.#client.send(
        new CopyObjectCommand({
          ...this.#at(key),
          ...stateHeaders,
          CopySource: `${this.#bucket}/${from}`,
          MetadataDirective: 'REPLACE',
        }),
      ),
    );
    if (!copied) throw notFound('There is no such upload. It may have expired.');
  }

  async putText(key: string, text: string): Promise<void> {
    await this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: text }));
  }

  async getText(key: string): Promise<string | undefined> {
    const object = await unlessMissing(this.#client.send(new GetObjectCommand(this.#at(key))));
    return object?.Body?.transformToString();
  }

  async size(key: string): Promise<number | undefined> {
    const object = await unlessMissing(this.#client.send(new HeadObjectCommand(this.#at(key))));
    return object?.ContentLength;
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const object = await unlessMissing(
      this.#client.send(
        new GetObjectCommand({
          ...this.#at(key),
          ...(range && { Range: `bytes=${range.start}-${range.end}` }),
        }),
      ),
    );
    if (!object?.Body) throw notFound();
    // In Node the SDK's body is a Node stream; its type also covers browsers.
    return object.Body as Readable;
  }

  async remove(key: string): Promise<void> {
    await unlessMissing(this.#client.send(new DeleteObjectCommand(this.#at(key))));
  }

  async *list(prefix: string): AsyncIterable<{ key: string; sizeBytes: number }> {
    const pages = paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: prefix },
    );
    for await (const { Contents = [] } of pages) {
      for (const { Key = '', Size = 0 } of Contents) {
        if (isKey(Key)) yield { key: Key, sizeBytes: Size };
      }
    }
  }

  /** Does nothing: a lifecycle rule of the bucket removes parts of uploads that a crash ended. */
  async removeTemporaries(): Promise<void> {}

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: checkKey(key) };
  }
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) {
      return undefined;
    }
    throw error;
  }
}
