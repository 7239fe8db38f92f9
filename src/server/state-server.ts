import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { BucketOptions } from './bucket-store.ts';
import { sendState } from './downloads.ts';
import { FolderStore } from './folder-store.ts';
import { HttpError, notFound, readJson, sendJson } from './http.ts';
import type { ObjectStore } from './object-store.ts';
import type { StateServerOptions } from './options.ts';
import { RateLimits } from './rate-limits.ts';
import { StateShelf } from './state-shelf.ts';
import { Uploads } from './uploads.ts';

export interface StateServer {
  /** Answers every request under {@link statesPath}. Never rejects. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Removes what has expired; happens by itself every hour. */
  sweep(): Promise<void>;
  /** Ends what happens by itself. Requests under way are the HTTP server's. */
  close(): void;
}

/** Where the state server stands on its origin. */
export const statesPath = '/states/';

const hourMs = 3600 * 1000;
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
 * | `POST states/uploads/ID/publish` `{ sha256? }` | `{ id, sizeBytes, expiresAt?, deletionToken }` |
 * | `GET`, `HEAD states/SHA256` | the state |
 * | `DELETE states/SHA256`, `Authorization: Bearer TOKEN` | takes a share back |
 *
 * No request lists anything. Errors are `{ error, message }`.
 */
export async function createStateServer(options: StateServerOptions): Promise<StateServer> {
  const folder = resolve(options.folder);
  const store = options.bucket ? await openBucket(options.bucket) : new FolderStore(folder);
  const shelf = new StateShelf(store, options.expireAfterS * 1000);
  const limits = new RateLimits(options);
  const uploads = new Uploads(shelf, {
    folder: join(folder, 'uploads'),
    path: `${statesPath}uploads`,
    maxBytes: options.maxBytes,
    maxTotalBytes: options.maxTotalBytes,
    isAllowedOrigin: (origin) => isAllowed(options, origin),
    onCreate: (request, sizeBytes) => limits.upload(request, sizeBytes),
  });
  const sweep = async () => {
    await shelf.sweep();
    await uploads.sweep();
  };
  await sweep();
  const timer = setInterval(() => {
    sweep().catch((error: unknown) => console.error('State server: the sweep failed:', error));
  }, hourMs).unref();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const method = request.method ?? '';
    const isRead = method === 'GET' || method === 'HEAD';
    const state = statePath.exec(path)?.[1];
    const toPublish = publishPath.exec(path)?.[1];
    const isUpload = uploadsPath.test(path) || uploadPath.test(path);

    if (method === 'OPTIONS' && !isUpload) return preflight(response);
    if (!(isRead && !isUpload)) requireOrigin(options, request);
    await limits.request(request);

    if (path === statesPath && isRead) {
      const { maxBytes, expireAfterS } = options;
      return sendJson(request, response, 200, { server: 'holdfast', maxBytes, expireAfterS });
    }
    if (state && isRead) return sendState(shelf, state, request, response);
    if (state && method === 'DELETE') {
      const token = /^Bearer (\S{1,256})$/.exec(request.headers.authorization ?? '')?.[1];
      if (!token || !(await shelf.removeShare(state, token))) {
        throw new HttpError(403, 'forbidden', 'This is not the deletion token of this state.');
      }
      response.writeHead(204).end();
      return;
    }
    if (toPublish && method === 'POST') {
      const { sha256 } = await readJson(request, publishRequestBytes);
      const expected = typeof sha256 === 'string' ? sha256.toLowerCase() : undefined;
      return sendJson(request, response, 201, await uploads.publish(toPublish, expected));
    }
    const isTus = uploadsPath.test(path)
      ? method === 'POST' || method === 'OPTIONS'
      : ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'].includes(method);
    if (isUpload && isTus) return uploads.handle(request, response);
    if (state || isUpload || toPublish || path === statesPath) {
      throw new HttpError(405, 'bad-method', `${method} is not possible here.`);
    }
    throw notFound();
  }

  return {
    async handle(request, response) {
      setCors(options, request, response);
      try {
        await answer(request, response);
      } catch (error) {
        answerError(request, response, error);
      }
    },
    sweep,
    close: () => clearInterval(timer),
  };
}

/** Amazon's SDK is large: only those who use it load it. */
async function openBucket(options: BucketOptions): Promise<ObjectStore> {
  const { BucketStore } = await import('./bucket-store.ts');
  return new BucketStore(options);
}

function answerError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // A client that went away, or content that broke off: nothing can be said any more.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known =
    error instanceof HttpError
      ? error
      : new HttpError(500, 'failed', 'The server failed. Try again later.');
  if (known !== error) console.error('State server:', error);
  // The rest of a body that nobody reads would be taken for the next request.
  const close: Record<string, string> = request.readableEnded ? {} : { Connection: 'close' };
  const { status, code, message, headers } = known;
  sendJson(request, response, status, { error: code, message }, { ...headers, ...close });
}

/** Anyone may read a state whose name they know; the origins that may write are a setting. */
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
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new HttpError(403, 'wrong-origin', `Pages of ${origin} may not write to this server.`);
}

const isAllowed = ({ origins }: StateServerOptions, origin: string) =>
  origins.includes('*') || origins.includes(origin);
