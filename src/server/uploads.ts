import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DataStore, Server as TusServer } from '@tus/server';
import type { Client } from './client.ts';
import type { Coordination } from './coordination.ts';
import { HttpError, notFound } from './http.ts';
import { refusalOf } from './ledger.ts';
import { currentClient, metered, tusAnswer } from './metered-store.ts';
import { StateHeadCheck } from './state-head.ts';
import { digestOf, type PublishedState, type StateStore } from './state-store.ts';
import type { UploadStore } from './upload-store.ts';

/** Answer of {@link Uploads.publish}. */
export interface Publication extends PublishedState {
  /** SHA-256 of the content, hex: the state's name. */
  id: string;
  /** Secret that allows to delete this share of the state. */
  deletionToken: string;
}

export interface PublishRequest {
  /** The digest that the client computed, hex. */
  sha256?: string | undefined;
  /** Random text of the client: a retry with the same text gets the same answer. */
  retryKey?: string | undefined;
}

export interface UploadOptions {
  /** Path of the uploads, for example `/states/uploads`. */
  path: string;
  maxBytes: number;
  /** Time after which uploads without progress are removed. */
  idleMs: number;
  isAllowedOrigin(origin: string): boolean;
  /** Called once for each new upload. @throws HttpError to refuse it */
  onCreate(client: Client, sizeBytes: number): Promise<void>;
}

/** Record of a publication, stored before any of it is done. */
interface Result {
  id: string;
  sizeBytes: number;
  /** 0: never. */
  expiresAt: number;
  tokenDigest: string;
  isDone: boolean;
}

/** Time for which results of finished uploads are kept. */
const resultLifetimeMs = 24 * 3600 * 1000;

/**
 * Resumable uploads by the tus protocol, followed by `publish`, which checks the data and moves
 * them to the state store. A client that lost the answer, or whose server ended, can retry the
 * publication.
 *
 * An upload's id is 128 random bits that only the uploader knows, but proxies log addresses. So its
 * deletion token is derived from a key in the body of a request.
 */
export class Uploads {
  readonly #tus: TusServer;
  readonly #datastore: DataStore;
  readonly #store: UploadStore;
  readonly #stateStore: StateStore;
  readonly #coordination: Coordination;
  readonly #options: UploadOptions;

  constructor(
    store: UploadStore,
    stateStore: StateStore,
    coordination: Coordination,
    options: UploadOptions,
  ) {
    this.#store = store;
    this.#stateStore = stateStore;
    this.#coordination = coordination;
    this.#options = options;
    const { prefix } = store;
    this.#datastore = metered(store, coordination.ledger);
    this.#tus = new TusServer({
      path: options.path,
      datastore: this.#datastore,
      locker: coordination.uploadLocks,
      maxSize: options.maxBytes,
      allowedOrigins: (origin) => options.isAllowedOrigin(origin),
      namingFunction: () => prefix + randomBytes(16).toString('hex'),
      getFileIdFromRequest: (request) => {
        const id = idFromPath(new URL(request.url).pathname);
        return id && prefix + id;
      },
      // Relative to the request, so that it is correct behind any proxy and under any prefix.
      generateUrl: (_request, { id }) => `uploads/${id.slice(prefix.length)}`,
      onUploadCreate: async (_request, upload) => {
        try {
          await this.#begin(upload.id.slice(prefix.length), upload.size);
        } catch (error) {
          throw error instanceof HttpError ? tusAnswer(error) : error;
        }
        // Metadata is not used: what is not stored cannot do harm.
        return { metadata: {} };
      },
    });
  }

  /** Handles a request of the tus protocol. */
  handle(client: Client, request: IncomingMessage, response: ServerResponse): Promise<void> {
    return currentClient.run(client, () => this.#tus.handle(request, response));
  }

  /**
   * Publishes a finished upload under the digest of its content.
   * @throws HttpError 403: published by another client; 404: no such upload; 409: not finished; 415: no
   * state file; 422: other content than was sent
   */
  publish(uploadId: string, request: PublishRequest): Promise<Publication> {
    return this.#exclusively(uploadId, () => this.#publish(uploadId, request));
  }

  /** Removes uploads without progress, and enters those from before a restart of the server. */
  async sweep(): Promise<void> {
    const { ledger } = this.#coordination;
    const { prefix } = this.#store;
    for await (const { id, changedAtMs } of this.#store.list()) {
      if (await ledger.knows(id)) continue;
      const upload = await this.#datastore.getUpload(prefix + id).catch(() => undefined);
      await ledger.learn(id, upload?.offset ?? 0, changedAtMs);
    }
    // The ledger has every part; storage only has those that it shows.
    for (const id of await ledger.idle(this.#options.idleMs)) await this.#removeIfIdle(id);
    await this.#store.removeOld(resultLifetimeMs);
  }

  async #removeIfIdle(id: string): Promise<void> {
    // An upload that is being written or published is not idle.
    const lock = this.#coordination.uploadLocks.newLock(this.#store.prefix + id);
    try {
      await lock.lock(AbortSignal.timeout(1), () => {});
    } catch {
      return;
    }
    try {
      await this.#forget(id);
    } finally {
      await lock.unlock();
    }
  }

  async #begin(id: string, sizeBytes: number | undefined): Promise<void> {
    if (!sizeBytes) throw new HttpError(400, 'bad-request', 'Say the size first.');
    const { ledger } = this.#coordination;
    const client = currentClient.getStore() ?? [];
    await ledger.begin(id, client, sizeBytes);
    try {
      await this.#options.onCreate(client, sizeBytes);
      const freeBytes = await this.#store.freeBytes();
      if (freeBytes !== undefined && freeBytes < sizeBytes) throw refusalOf('bytes');
    } catch (error) {
      await ledger.end(id);
      throw error;
    }
  }

  async #publish(uploadId: string, { sha256, retryKey }: PublishRequest): Promise<Publication> {
    const key = retryKey ?? randomBytes(32).toString('hex');
    const deletionToken = createHmac('sha256', key).update(uploadId).digest('hex');
    const before = parseResult(await this.#store.getResult(uploadId));
    if (before && before.tokenDigest !== digestOf(deletionToken)) {
      throw new HttpError(403, 'published', 'This upload is published, by another request.');
    }
    const result = before ?? (await this.#check(uploadId, sha256, digestOf(deletionToken)));
    const { id, sizeBytes, expiresAt } = result;
    if (!result.isDone) {
      // From here on the server may end at any time: a retry gets the answer.
      if (!before) await this.#putResult(uploadId, result);
      await this.#stateStore.add(id, result, sizeBytes, (at) => this.#move(uploadId, at));
      await this.#putResult(uploadId, { ...result, isDone: true });
    }
    await this.#forget(uploadId);
    return { id, sizeBytes, ...(expiresAt > 0 && { expiresAt }), deletionToken };
  }

  async #check(
    uploadId: string,
    expected: string | undefined,
    tokenDigest: string,
  ): Promise<Result> {
    const upload = await this.#datastore.getUpload(this.#store.prefix + uploadId).catch(() => {
      throw noUpload();
    });
    if (upload.offset !== upload.size) {
      throw new HttpError(
        409,
        'not-finished',
        `${upload.offset} of ${upload.size} bytes have arrived.`,
      );
    }
    const hash = createHash('sha256');
    const head = new StateHeadCheck();
    for await (const bytes of await this.#store.content(uploadId)) {
      hash.update(bytes);
      head.update(bytes);
    }
    const id = hash.digest('hex');
    if (expected !== undefined && expected !== id) {
      await this.#forget(uploadId);
      throw new HttpError(
        422,
        'wrong-digest',
        'What arrived is not what was sent: upload it again.',
      );
    }
    if (!head.isSound()) {
      await this.#forget(uploadId);
      throw new HttpError(415, 'no-state-file', 'This is not a state file of Holdfast.');
    }
    const expiresAt = this.#stateStore.newExpiry();
    return { id, sizeBytes: upload.offset, expiresAt, tokenDigest, isDone: false };
  }

  async #move(uploadId: string, key: string): Promise<void> {
    try {
      await this.#store.moveTo(key, uploadId);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noUpload();
      throw error;
    }
  }

  #putResult(uploadId: string, result: Result): Promise<void> {
    return this.#store.putResult(uploadId, JSON.stringify(result));
  }

  async #forget(uploadId: string): Promise<void> {
    await this.#store.remove(uploadId);
    await this.#coordination.ledger.end(uploadId);
  }

  /** Runs work while no other request writes, removes or publishes the upload. */
  async #exclusively<T>(uploadId: string, work: () => Promise<T>): Promise<T> {
    const lock = this.#coordination.uploadLocks.newLock(this.#store.prefix + uploadId);
    await lock
      .lock(new AbortController().signal, () => {})
      .catch(() => {
        throw new HttpError(409, 'busy', 'This upload is being worked on. Try again.', {
          'Retry-After': '5',
        });
      });
    try {
      return await work();
    } finally {
      await lock.unlock();
    }
  }
}

const noUpload = () => notFound('There is no such upload. It may have expired.');

/**
 * Returns the id at the end of a path that the server has already recognised as one of an upload.
 */
const idFromPath = (path: string) => /\/([0-9a-f]{32})$/.exec(path)?.[1];

/** Returns undefined if there is none, or one of an earlier version, or one that a crash tore. */
function parseResult(text: string | undefined): Result | undefined {
  try {
    const result = JSON.parse(text ?? 'null') as Result | null;
    return result?.tokenDigest ? result : undefined;
  } catch {
    return undefined;
  }
}
