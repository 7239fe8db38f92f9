import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import type { BucketOptions } from '../bucket-store.ts';

export interface RunningBucket extends Omit<BucketOptions, 'redirectReads'> {
  close(): Promise<void>;
}

/** An S3-compatible server with one empty bucket. */
export async function startBucket(): Promise<RunningBucket> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-s3-'));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: 'states', configs: [] }],
  });
  const { port } = await server.run();
  return {
    bucket: 'states',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    // s3rver's own.
    credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
