import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { BucketOptions } from './bucket-store.ts';
import { Clients } from './client.ts';
import { clientCounts } from './client-counts.ts';
import { limitConnections } from './connections.ts';
import { type Coordination, ownCoordination } from './coordination.ts';
import { isAllowed, setCors } from './cors.ts';
import { FolderStore } from './folder-store.ts';
import { FolderUploads } from './folder-uploads.ts';
import { HttpError, sendJson } from './http.ts';
import { refusalOf } from './ledger.ts';
import type { ObjectStore } from './object-store.ts';
import type { StateServerOptions } from './options.ts';
import { RateLimits } from './rate-limits.ts';
import { Rooms } from './rooms/rooms.ts';
import { Routes, statesPath } from './routes.ts';
import { StateStore } from './state-store.ts';
import type { UploadStore } from './upload-store.ts';
import { Uploads } from './uploads.ts';

export interface StateServer {
  /** Answers every request under {@link statesPath}. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes every connection under {@link statesPath} that is to become a WebSocket. Never rejects. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void>;
  /** Sets the limits of the HTTP server's connections. Call this before it listens. */
  limit(server: Server): void;
  /**
   * Removes expired states and uploads; runs automatically every hour, for unfinished uploads every
   * minute.
   */
  sweep(): Promise<void>;
  /** Ends automatic tasks and relay rooms. The HTTP server handles the requests in progress. */
  close(): void;
}

const hourMs = 3600 * 1000;
const minuteMs = 60 * 1000;

/** The state server: files or a bucket of states by the SHA-256 of their content. See {@link Routes}. */
export async function createStateServer(options: StateServerOptions): Promise<StateServer> {
  const { store, uploadStore, coordination } = await openStorage(options);
  const stateStore = new StateStore(store, options.expireAfterS * 1000, coordination);
  const clients = new Clients(options.trustedProxies);
  const limits = new RateLimits(options, coordination.makeLimiter);
  const underWay = clientCounts(options.maxRequestsAtOnce);
  const rooms = new Rooms(options, limits);
  const uploads = new Uploads(uploadStore, stateStore, coordination, {
    path: `${statesPath}uploads`,
    maxBytes: options.maxBytes,
    idleMs: options.idleMs,
    isAllowedOrigin: (origin) => isAllowed(options, origin),
    onCreate: (client, sizeBytes) => limits.upload(client, sizeBytes),
  });
  const routes = new Routes(options, { stateStore, uploads, limits });
  const sweep = async () => {
    await store.removeTemporaries(hourMs);
    await stateStore.sweep();
    await uploads.sweep();
  };
  const sweepInTurn = async (name: string, everyMs: number, work: () => Promise<void>) => {
    // Only one of several processes does it.
    if (await coordination.mayStart(name, everyMs / 2)) await work();
  };
  await sweepInTurn('sweep', hourMs, sweep);
  const timers = [
    every(hourMs, () => sweepInTurn('sweep', hourMs, sweep)),
    every(minuteMs, () => sweepInTurn('sweep uploads', minuteMs, () => uploads.sweep())),
  ];

  return {
    async handle(request, response) {
      setCors(options, request, response);
      const client = clients.of(request);
      // A request whose client has left is over, even if its answer is still being made.
      const closed = new Promise<void>((done) => response.once('close', done));
      const ended = underWay.enter(client);
      try {
        if (!ended) throw tooManyAtOnce();
        await Promise.race([routes.answer(client, request, response), closed]);
      } catch (error) {
        answerError(request, response, error);
      } finally {
        ended?.();
      }
    },
    upgrade: (request, stream, head) => rooms.upgrade(clients.of(request), request, stream, head),
    limit: (server) => limitConnections(server, options),
    sweep,
    close() {
      for (const timer of timers) clearInterval(timer);
      rooms.close();
      void coordination.close();
    },
  };
}

const tooManyAtOnce = () =>
  new HttpError(429, 'rate-limited', 'Too many requests from this address at once.', {
    'Retry-After': '5',
  });

function every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
  const run = () =>
    work().catch((error: unknown) => console.error('State server: the sweep failed:', error));
  return setInterval(run, ms).unref();
}

interface Storage {
  store: ObjectStore;
  uploadStore: UploadStore;
  coordination: Coordination;
}

/** Amazon's SDK and the Redis client are large: they are loaded only if they are used. */
async function openStorage(options: StateServerOptions): Promise<Storage> {
  const folder = resolve(options.folder);
  const { bucket, redis } = options;
  if (bucket && redis) {
    const { BucketStore } = await import('./bucket-store.ts');
    const { BucketUploads } = await import('./bucket-uploads.ts');
    const { redisCoordination } = await import('./redis-coordination.ts');
    const store = new BucketStore(bucket);
    const coordination = await redisCoordination(redis, options);
    return { store, uploadStore: new BucketUploads(bucket, store), coordination };
  }
  const store = bucket ? await openBucket(bucket) : new FolderStore(folder);
  // No other process writes to it: partial files are from before a crash.
  await store.removeTemporaries(0);
  const uploadStore = await FolderUploads.open(join(folder, 'uploads'), store);
  return { store, uploadStore, coordination: ownCoordination(options) };
}

async function openBucket(options: BucketOptions): Promise<ObjectStore> {
  const { BucketStore } = await import('./bucket-store.ts');
  return new BucketStore(options);
}

function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // The client has left, or the content broke off: no answer is possible any more.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = asHttpError(error);
  if (known !== error) console.error('State server:', error);
  // The rest of an unread body would be taken for the next request.
  const close: Record<string, string> = request.readableEnded ? {} : { Connection: 'close' };
  const { status, code, message, headers } = known;
  sendJson(request, response, status, { error: code, message }, { ...headers, ...close });
}

function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return refusalOf('bytes');
  return new HttpError(500, 'failed', 'The server failed. Try again later.');
}
