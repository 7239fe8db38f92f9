import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import type { BucketOptions } from '../bucket-store.ts';

export interface RunningBucket extends Omit<BucketOptions, 'redirectReads'> {
  close(): Promise<void>;
}

/** s3rver's own. */
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

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
  const parts = await startParts(port);
  return {
    bucket: 'states',
    endpoint: `http://127.0.0.1:${parts.port}`,
    region: 'us-east-1',
    credentials,
    async close() {
      await parts.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Part {
  etag: string;
  sizeBytes: number;
}

/**
 * A proxy before s3rver that answers two requests about multipart uploads that s3rver lacks: ListParts
 * and AbortMultipartUpload. It answers from the requests that pass.
 */
async function startParts(port: number): Promise<{ port: number; close(): Promise<void> }> {
  const uploads = new Map<string, Map<number, Part>>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://bucket');
    const uploadId = url.searchParams.get('uploadId');
    const parts = uploadId === null ? undefined : uploads.get(uploadId);
    if (uploadId !== null && (!parts || request.method === 'GET' || request.method === 'DELETE')) {
      request.resume();
      if (!parts) return void response.writeHead(404).end(noSuchUpload);
      if (request.method === 'DELETE') uploads.delete(uploadId);
      if (request.method === 'DELETE') return void response.writeHead(204).end();
      return void response.writeHead(200, { 'Content-Type': 'text/xml' }).end(listOf(parts));
    }
    let sentBytes = 0;
    request.on('data', (bytes: Buffer) => {
      sentBytes += bytes.length;
    });
    const upstream = httpRequest({ ...forwarded(request), port }, (answer) => {
      const isStarted = request.method === 'POST' && url.searchParams.has('uploads');
      let text = '';
      if (isStarted) {
        answer.on('data', (bytes) => {
          text += bytes;
        });
      }
      answer.on('end', () => {
        if (answer.statusCode !== 200) return;
        const started = /<UploadId>(.+)<\/UploadId>/.exec(text)?.[1];
        if (started) uploads.set(started, new Map());
        const number = Number(url.searchParams.get('partNumber'));
        // A body without a length is in signed chunks, whose total length is in a header.
        const sizeBytes = Number(request.headers['x-amz-decoded-content-length'] ?? sentBytes);
        if (number) parts?.set(number, { etag: answer.headers.etag ?? '', sizeBytes });
        else if (uploadId !== null && request.method === 'POST') uploads.delete(uploadId);
      });
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.on('error', () => upstream.destroy()).pipe(upstream);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const forwarded = ({ method, url, headers }: IncomingMessage) => ({
  hostname: '127.0.0.1',
  method,
  path: url,
  headers,
  agent: false as const,
});

const noSuchUpload = '<Error><Code>NoSuchUpload</Code><Message>There is none.</Message></Error>';

function listOf(parts: ReadonlyMap<number, Part>): string {
  const entries = [...parts]
    .sort(([a], [b]) => a - b)
    .map(
      ([number, { etag, sizeBytes }]) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${etag.replaceAll('"', '&quot;')}</ETag><Size>${sizeBytes}</Size></Part>`,
    );
  return `<ListPartsResult><IsTruncated>false</IsTruncated>${entries.join('')}</ListPartsResult>`;
}
