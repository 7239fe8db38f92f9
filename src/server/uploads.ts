import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';
import { Server as TusServer } from '@tus/server';
import { HttpError, notFound } from './http.ts';
import { digestOf, type PublishedState, type StateShelf } from './state-shelf.ts';

/** What {@link Uploads.publish} answers. */
export interface Publication extends PublishedState {
  /** SHA-256 of the content, hex: the state's name. */
  id: string;
  /** Whoever has it may delete this share of the state. */
  deletionToken: string;
}

export interface UploadOptions {
  /** Of unfinished uploads. */
  folder: string;
  /** Under which the uploads stand, for example `/states/uploads`. */
  path: string;
  maxBytes: number;
  maxTotalBytes: number;
  isAllowedOrigin(origin: string): boolean;
  /** Called once for each upload that begins. @throws HttpError to refuse it */
  onCreate(request: IncomingMessage, sizeBytes: number): Promise<void>;
}

/** Unfinished uploads, and the results of finished ones, are kept for this long. */
const uploadLifetimeMs = 24 * 3600 * 1000;

/**
 * Resumable uploads by the tus protocol, onto the local disk; then `publish`, which checks what came
 * and puts it on the shelf. Publishing can be asked for again, by a client that lost the answer.
 *
 * An upload's id is 128 random bits that only the uploader knows, and which its deletion token is
 * derived from, so that the server need not keep tokens.
 */
export class Uploads {
  readonly #tus: TusServer;
  readonly #shelf: StateShelf;
  readonly #options: UploadOptions;
  readonly #publishing = new Map<string, Promise<Publication>>();
  /** Sizes of the uploads that are not published yet, by id. */
  readonly #pending = new Map<string, number>();

  constructor(shelf: StateShelf, options: UploadOptions) {
    this.#shelf = shelf;
    this.#options = options;
    this.#tus = new TusServer({
      path: options.path,
      datastore: new FileStore({ directory: options.folder }),
      maxSize: options.maxBytes,
      allowedOrigins: (origin) => options.isAllowedOrigin(origin),
      getFileIdFromRequest: (request) => idFromPath(new URL(request.url).pathname),
      // Relative to the request, so that it is right behind any proxy and under any prefix.
      generateUrl: (_request, { id }) => `uploads/${id}`,
      onUploadCreate: async (request, upload) => {
        // The type of the request hides what it is made of.
        const { req } = request.runtime?.node ?? {};
        if (!upload.size) throw refusal(new HttpError(400, 'bad-request', 'Say the size first.'));
        try {
          this.#requireRoom(upload.size);
          if (req) await options.onCreate(req as IncomingMessage, upload.size);
        } catch (error) {
          throw error instanceof HttpError ? refusal(error) : error;
        }
        this.#pending.set(upload.id, upload.size);
        // Nobody needs metadata: what is not stored cannot do harm.
        return { metadata: {} };
      },
    });
    this.#tus.on('POST_TERMINATE', (_request, _response, id) => this.#pending.delete(id));
  }

  /** Handles a request of the tus protocol. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#tus.handle(request, response);
  }

  /**
   * Publishes a finished upload under the digest of its content.
   * @param expected the digest that the client computed, hex
   * @throws HttpError 404 no such upload, 409 not finished, 422 the content is not what was sent
   */
  publish(uploadId: string, expected?: string): Promise<Publication> {
    const running = this.#publishing.get(uploadId);
    if (running) return running;
    const publication = this.#publish(uploadId, expected).finally(() =>
      this.#publishing.delete(uploadId),
    );
    this.#publishing.set(uploadId, publication);
    return publication;
  }

  /** Removes uploads that nobody finished, and learns of those from before a restart of the server. */
  async sweep(now = Date.now()): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    for (const name of await readdir(this.#options.folder)) {
      const id = name.slice(0, 32);
      const path = join(this.#options.folder, name);
      const found = await stat(path).catch(() => undefined);
      if (!found) continue;
      if (now - found.mtimeMs > uploadLifetimeMs) {
        await rm(path, { force: true });
        this.#pending.delete(id);
      } else if (name === `${id}.json`) {
        // Undefined where the server was killed as it wrote the description.
        const upload = await this.#tus.datastore.getUpload(id).catch(() => undefined);
        if (upload?.size) this.#pending.set(id, upload.size);
      }
    }
  }

  async #publish(uploadId: string, expected?: string): Promise<Publication> {
    const path = join(this.#options.folder, uploadId);
    const deletionToken = digestOf(`deletion token of ${uploadId}`);
    const published = await readFile(resultPath(path), 'utf8').catch(() => undefined);
    if (published !== undefined) {
      return { ...(JSON.parse(published) as Publication), deletionToken };
    }
    const upload = await this.#tus.datastore.getUpload(uploadId).catch(() => {
      throw notFound('There is no such upload. It may have expired.');
    });
    if (upload.offset !== upload.size) {
      throw new HttpError(
        409,
        'not-finished',
        `${upload.offset} of ${upload.size} bytes have arrived.`,
      );
    }
    const id = await fileDigest(path);
    if (expected !== undefined && expected !== id) {
      await this.#forget(uploadId);
      throw new HttpError(
        422,
        'wrong-digest',
        'What arrived is not what was sent: upload it again.',
      );
    }
    const state = await this.#shelf.add(id, deletionToken, path, upload.offset);
    await writeFile(resultPath(path), JSON.stringify({ id, ...state }));
    await this.#forget(uploadId);
    return { id, ...state, deletionToken };
  }

  async #forget(uploadId: string): Promise<void> {
    const path = join(this.#options.folder, uploadId);
    await Promise.all([rm(path, { force: true }), rm(`${path}.json`, { force: true })]);
    this.#pending.delete(uploadId);
  }

  #requireRoom(sizeBytes: number): void {
    let pendingBytes = 0;
    for (const size of this.#pending.values()) pendingBytes += size;
    if (this.#shelf.usedBytes + pendingBytes + sizeBytes > this.#options.maxTotalBytes) {
      throw new HttpError(507, 'storage-full', 'The server has no room for this state now.');
    }
  }
}

/** The id at the end of a path that the server has already found to be one of an upload. */
const idFromPath = (path: string) => /\/([0-9a-f]{32})$/.exec(path)?.[1];

const resultPath = (path: string) => `${path}.result`;

/** In the form in which the tus library takes an answer. */
const refusal = ({ status, message }: HttpError) => ({ status_code: status, body: message });

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
