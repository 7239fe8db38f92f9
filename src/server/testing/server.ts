import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PreviousUpload, Upload } from 'tus-js-client';
import xxhash from 'xxhash-wasm';
import type { StateServerOptions } from '../options.ts';
import { readOptions } from '../options.ts';
import { createStateServer, type StateServer } from '../state-server.ts';
import type { Publication } from '../uploads.ts';

export interface RunningServer {
  /** Ends in `/states/`. */
  url: string;
  port: number;
  /** Everything that the server may access is in `${root}/states`. */
  root: string;
  states: StateServer;
  close(): Promise<void>;
}

/** High limits, because a test is one client with many requests. */
export const roomy = {
  'requests-per-minute': '100000',
  'requests-at-once': '1000',
  'uploads-per-hour': '1000',
  'pending-uploads': '1000',
  'rooms-per-address': '1000',
  'rooms-per-hour': '100000',
};

/** Starts a state server on a free port with a new folder. */
export async function startServer(
  options: Partial<StateServerOptions> = {},
): Promise<RunningServer> {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-states-'));
  const states = await createStateServer({
    ...readOptions([], {}, roomy),
    folder: join(root, 'states'),
    ...options,
  });
  const server = createServer((request, response) => void states.handle(request, response));
  server.on('upgrade', (request, stream, head) => void states.upgrade(request, stream, head));
  states.limit(server);
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/states/`,
    port,
    root,
    states,
    async close() {
      states.close();
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
      await rm(root, { recursive: true, force: true });
    },
  };
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const { h64Raw } = await xxhash();
const preambleBytes = 24;

/**
 * Returns bytes with the start of a state file: magic, version, and a head with the right digest.
 */
export function stateOf(head: Buffer, rest = Buffer.alloc(0)): Buffer {
  const preamble = Buffer.alloc(preambleBytes);
  preamble.write('HOLDSTAT', 'latin1');
  preamble.writeUInt32LE(1, 8);
  preamble.writeUInt32LE(head.length, 12);
  preamble.writeBigUInt64LE(h64Raw(head, h64Raw(preamble.subarray(0, 16))), 16);
  return Buffer.concat([preamble, head, rest]);
}

/** @param sizeBytes 32 at least, so that no two are the same */
export function randomState(sizeBytes: number): Buffer {
  const bytes = randomBytes(sizeBytes - preambleBytes);
  const headBytes = Math.min(bytes.length, 1000);
  return stateOf(bytes.subarray(0, headBytes), bytes.subarray(headBytes));
}

/** Uploads with the tus client, and publishes. */
export async function share(url: string, bytes: Buffer): Promise<Publication> {
  return publish(await upload(url, bytes), sha256(bytes));
}

interface UploadSettings {
  chunkSize?: number;
  /** Resumes an upload that was broken off. */
  previous?: PreviousUpload;
  /** Called once this many bytes have arrived; the upload then breaks off. */
  breakOffAfterBytes?: number;
  /** Tries again after these times, ms, as the page does. Default: no retry. */
  retryDelays?: readonly number[];
  /** Called once the server has sent the upload's URL. */
  onUrl?(url: string): void;
}

/**
 * @returns the URL of the upload
 * @throws errors of the tus client
 */
export function upload(url: string, bytes: Buffer, settings: UploadSettings = {}): Promise<string> {
  const { chunkSize, previous, onUrl, retryDelays } = settings;
  const { breakOffAfterBytes = Number.POSITIVE_INFINITY } = settings;
  return new Promise((done, fail) => {
    const upload = new Upload(bytes, {
      endpoint: new URL('uploads', url).href,
      retryDelays: retryDelays ? [...retryDelays] : null,
      ...(chunkSize && { chunkSize }),
      onUploadUrlAvailable: () => onUrl?.(upload.url ?? ''),
      onSuccess: () => done(upload.url ?? ''),
      onError: fail,
      onChunkComplete: (_size, accepted) => {
        if (accepted < breakOffAfterBytes || accepted === bytes.length) return;
        void upload.abort().then(() => done(upload.url ?? ''));
      },
    });
    if (previous) upload.resumeFromPreviousUpload(previous);
    upload.start();
  });
}

/** Returns the data that the tus client needs to resume an upload. */
export const previousUpload = (uploadUrl: string, sizeBytes: number): PreviousUpload => ({
  uploadUrl,
  size: sizeBytes,
  metadata: {},
  creationTime: '',
  urlStorageKey: '',
  parallelUploadUrls: null,
});

/** Publishes a finished upload. */
export async function publish(
  uploadUrl: string,
  sha256?: string,
  retryKey?: string,
): Promise<Publication> {
  const response = await fetch(`${uploadUrl}/publish`, {
    method: 'POST',
    body: JSON.stringify({ sha256, retryKey }),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Publication;
}
