import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from './client.ts';
import { preflight, requireOrigin } from './cors.ts';
import { sendState } from './downloads.ts';
import { requireHost } from './hosts.ts';
import { HttpError, notFound, readJson, sendJson } from './http.ts';
import type { StateServerOptions } from './options.ts';
import type { RateLimits } from './rate-limits.ts';
import type { StateStore } from './state-store.ts';
import type { PublishRequest, Uploads } from './uploads.ts';

/** Path of the state server on its origin. */
export const statesPath = '/states/';

const publishRequestBytes = 1024;

interface Asked {
  client: Client;
  /** The state or upload that the path names. */
  id: string;
  request: IncomingMessage;
  response: ServerResponse;
}

interface Route {
  path: RegExp;
  methods: readonly string[];
  /** Part of the tus protocol, which has its own preflight. */
  isUpload?: true;
  answer(asked: Asked): void | Promise<void>;
}

interface Parts {
  stateStore: StateStore;
  uploads: Uploads;
  limits: RateLimits;
}

/**
 * The requests that the server answers.
 *
 * | request | |
 * |---|---|
 * | `GET states/` | the server's limits: `{ server, maxBytes, expireAfterS, rooms }` |
 * | `POST states/uploads`, `HEAD`, `PATCH`, `DELETE states/uploads/ID` | an upload, by the tus protocol 1.0 |
 * | `POST states/uploads/ID/publish` `{ sha256?, retryKey? }` | `{ id, sizeBytes, expiresAt?, deletionToken }` |
 * | `GET`, `HEAD states/SHA256` | the state |
 * | `DELETE states/SHA256`, `Authorization: Bearer TOKEN` | takes a share back |
 *
 * A WebSocket opens or joins a relay room, see rooms/rooms.ts. No request lists anything. Errors are `{ error, message }`.
 */
export class Routes {
  readonly #options: StateServerOptions;
  readonly #limits: RateLimits;
  readonly #routes: readonly Route[];

  constructor(options: StateServerOptions, { stateStore, uploads, limits }: Parts) {
    this.#options = options;
    this.#limits = limits;
    const { maxBytes, expireAfterS, maxRooms } = options;
    const about = { server: 'holdfast', maxBytes, expireAfterS, rooms: maxRooms > 0 };
    const upload = ({ client, request, response }: Asked) =>
      uploads.handle(client, request, response);
    this.#routes = [
      {
        path: /^\/states\/$/,
        methods: ['GET', 'HEAD'],
        answer: ({ request, response }) => sendJson(request, response, 200, about),
      },
      {
        path: /^\/states\/uploads$/,
        methods: ['POST', 'OPTIONS'],
        isUpload: true,
        answer: upload,
      },
      {
        path: /^\/states\/uploads\/[0-9a-f]{32}$/,
        methods: ['HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
        isUpload: true,
        answer: upload,
      },
      {
        path: /^\/states\/uploads\/([0-9a-f]{32})\/publish$/,
        methods: ['POST'],
        async answer({ id, request, response }) {
          const asked = publishRequestOf(await readJson(request, publishRequestBytes));
          sendJson(request, response, 201, await uploads.publish(id, asked));
        },
      },
      {
        path: /^\/states\/([0-9a-f]{64})$/,
        methods: ['GET', 'HEAD'],
        answer: ({ id, request, response }) => sendState(stateStore, id, request, response),
      },
      {
        path: /^\/states\/([0-9a-f]{64})$/,
        methods: ['DELETE'],
        async answer({ id, request, response }) {
          const token = /^Bearer (\S{1,256})$/.exec(request.headers.authorization ?? '')?.[1];
          if (!token || !(await stateStore.removeShare(id, token))) {
            throw new HttpError(403, 'forbidden', 'This is not the deletion token of this state.');
          }
          response.writeHead(204).end();
        },
      },
    ];
  }

  /** @throws HttpError */
  async answer(client: Client, request: IncomingMessage, response: ServerResponse): Promise<void> {
    requireHost(this.#options.hosts, request);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const method = request.method ?? '';
    const here = this.#routes.filter((route) => route.path.test(path));
    const isUpload = here.some((route) => route.isUpload);
    const isRead = (method === 'GET' || method === 'HEAD') && !isUpload;

    if (method === 'OPTIONS' && !isUpload) return preflight(response);
    if (!isRead) requireOrigin(this.#options, request);
    await this.#limits.request(client);

    const route = here.find(({ methods }) => methods.includes(method));
    if (route) {
      const id = route.path.exec(path)?.[1] ?? '';
      return route.answer({ client, id, request, response });
    }
    if (here.length > 0) throw new HttpError(405, 'bad-method', `${method} is not possible here.`);
    throw notFound();
  }
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
