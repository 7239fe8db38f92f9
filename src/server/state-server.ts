import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { BucketOptions } from './bucket-store.ts';
import { type Client, Clients } from './client.ts';
import { limitConnections } from './connections.ts';
import { type Coordination, ownCoordination } from './coordination.ts';
import { sendState } from './downloads.ts';
import { FolderStore } from './folder-store.ts';
import { FolderUploads } from './folder-uploads.ts';
import { requireHost } from './hosts.ts';
import { HttpError, notFound, readJson, sendJson } from './http.ts';
import { refusalOf } from './ledger.ts';
import type { ObjectStore } from './object-store.ts';
import type { StateServerOptions } from './options.ts';
import { RateLimits } from './rate-limits.ts';
import { StateStore } from './state-store.ts';
import type { UploadStore } from './upload-store.ts';
import { type PublishRequest, Uploads } from './uploads.ts';

export interface StateServer {
  /** Answers every request under {@link statesPath}. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Sets the limits of the HTTP server's connections. Call this before it listens. */
  limit(server: Server): void;
  /**
   * Removes expired states and uploads; runs automatically every hour, for unfinished uploads every
   * minute.
   */
  sweep(): Promise<void>;
  /** Ends automatic tasks. The HTTP server handles the requests in progress. */
  close(): void;
}

/** Path of the state server on its origin. */
const statesPath = '/states/';

const hourMs = 3600 * 1000;
const minuteMs = 60 * 1000;
const publishRequestBytes = 1024;

const statePath = /^\/states\/([0-9a-f]{64})$/;
const uploadsPath = /^\/states\/uploads$/;
const uploadPath = /^\/states\/uploads\/[0-9a-f]{32}$/;
const publishPath = /^\/states\/uploads\/([0-9a-f]{32})\/publish$/;

/**
 * The state server: files or a bucket of states by the SHA-256 of their content.
 *
 * | request | |
 * |---|---|
 * | `GET states/` | what the server takes: `{ server, maxBytes, expireAfterS }` |
 * | `POST states/uploads`, `HEAD`, `PATCH`, `DELETE states/uploads/ID` | an upload, by the tus protocol 1.0 |
 * | `POST states/uploads/ID/publish` `{ sha256?, retryKey? }` | `{ id, sizeBytes, expiresAt?, deletionToken }` |
 * | `GET`, `HEAD states/SHA256` | the state |
 * | `DELETE states/SHA256`, `Authorization: Bearer TOKEN` | takes a share back |
 *
 * No request lists anything. Errors are `{ error, message }`.
 */
export async function createStateServer(options: StateServerOptions): Promise<StateServer> {
  const { store, uploadStore, coordination } = await openStorage(options);
  const stateStore = new StateStore(store, options.expireAfterS * 1000, coordination);
  const clients = new Clients(options.trustedProxies);
  const limits = new RateLimits(options, coordination.makeLimiter);
  const underWay = new UnderWay(options.maxRequestsAtOnce);
  const uploads = new Uploads(uploadStore, stateStore, coordination, {
    path: `${statesPath}uploads`,
    maxBytes: options.maxBytes,
    idleMs: options.idleMs,
    isAllowedOrigin: (origin) => isAllowed(options, origin),
    onCreate: (client, sizeBytes) => limits.upload(client, sizeBytes),
  });
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

  async function answer(
    client: Client,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    requireHost(options.hosts, request);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const method = request.method ?? '';
    const isRead = method === 'GET' || method === 'HEAD';
    const state = statePath.exec(path)?.[1];
    const toPublish = publishPath.exec(path)?.[1];
    const isUpload = uploadsPath.test(path) || uploadPath.test(path);

    if (method === 'OPTIONS' && !isUpload) return preflight(response);
    if (!(isRead && !isUpload)) requireOrigin(options, request);
    await limits.request(client);

    if (path === statesPath && isRead) {
      const { maxBytes, expireAfterS } = options;
      return sendJson(request, response, 200, { server: 'holdfast', maxBytes, expireAfterS });
    }
    if (state && isRead) return sendState(stateStore, state, request, response);
    if (state && method === 'DELETE') {
      const token = /^Bearer (\S{1,256})$/.exec(request.headers.authorization ?? '')?.[1];
      if (!token || !(await stateStore.removeShare(state, token))) {
        throw new HttpError(403, 'forbidden', 'This is not the deletion token of this state.');
      }
      response.writeHead(204).end();
      return;
    }
    if (toPublish && method === 'POST') {
      const asked = publishRequestOf(await readJson(request, publishRequestBytes));
      return sendJson(request, response, 201, await uploads.publish(toPublish, asked));
    }
    const isTus = uploadsPath.test(path)
      ? method === 'POST' || method === 'OPTIONS'
      : ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'].includes(method);
    if (isUpload && isTus) return uploads.handle(client, request, response);
    if (state || isUpload || toPublish || path === statesPath) {
      throw new HttpError(405, 'bad-method', `${method} is not possible here.`);
    }
    throw notFound();
  }

  return {
    async handle(request, response) {
      setCors(options, request, response);
      const client = clients.of(request);
      // A request whose client has left is not in progress any more, whatever still works on its
      // answer.
      const closed = new Promise<void>((done) => response.once('close', done));
      try {
        await underWay.run(client, () => Promise.race([answer(client, request, response), closed]));
      } catch (error) {
        answerError(request, response, error);
      }
    },
    limit: (server) => limitConnections(server, options),
    sweep,
    close() {
      for (const timer of timers) clearInterval(timer);
      void coordination.close();
    },
  };
}

/** Counts the requests in progress of each client. */
class UnderWay {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws HttpError 429 */
  async run(client: Client, work: () => Promise<void>): Promise<void> {
    const count = (key: string) => this.#counts.get(key) ?? 0;
    if (client.some(({ key, shares }) => count(key) >= this.#limit * shares)) {
      throw new HttpError(429, 'rate-limited', 'Too many requests from this address at once.', {
        'Retry-After': '5',
      });
    }
    for (const { key } of client) this.#counts.set(key, count(key) + 1);
    try {
      await work();
    } finally {
      for (const { key } of client) {
        if (count(key) > 1) this.#counts.set(key, count(key) - 1);
        else this.#counts.delete(key);
      }
    }
  }
}

function every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
  const run = () =>
    work().catch((error: unknown) => console.error('State server: the sweep failed:', error));
  return setInterval(run, ms).unref();
}

/** @throws HttpError 400 */
function publishRequestOf({ sha256, retryKey }: Record<string, unknown>): PublishRequest {
  if (
    retryKey !== undefined &&
    !(typeof retryKey === 'string' && /^[\w-]{22,128}$/.test(retryKey))
  ) {
    throw new HttpError(400, 'bad-request', 'A retry key is 22 to 128 random letters and digits.');
  }
  return { sha256: typeof sha256 === 'string' ? sha256.toLowerCase() : undefined, retryKey };
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

/**
 * Sets CORS headers. Anyone may read a state whose name they know; the origins that may write are a
 * setting.
 */
function setCors(
  options: StateServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { origin } = request.headers;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead) response.setHeader('Access-Control-Allow-Origin', '*');
  else if (origin && isAllowed(options, origin)) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Vary', 'Origin');
  }
  response.setHeader(
    'Access-Control-Expose-Headers',
    'Accept-Ranges, Content-Length, Content-Range, ETag, Location, Retry-After, Upload-Offset, Upload-Length, Tus-Resumable',
  );
}

function preflight(response: ServerResponse): void {
  response
    .writeHead(204, {
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, Range, If-Range, If-None-Match',
      'Access-Control-Max-Age': '86400',
    })
    .end();
}

function requireOrigin(options: StateServerOptions, request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (!origin || isAllowed(options, origin)) return;
  // The server's own pages.
  if (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
  throw new HttpError(403, 'wrong-origin', `Pages of ${origin} may not write to this server.`);
}

const isAllowed = ({ origins }: StateServerOptions, origin: string) =>
  origins.includes('*') || origins.includes(origin);
