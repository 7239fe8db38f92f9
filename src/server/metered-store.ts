import { AsyncLocalStorage } from 'node:async_hooks';
import { Transform } from 'node:stream';
import { type DataStore, ERRORS } from '@tus/server';
import type { Client } from './client.ts';
import { HttpError } from './http.ts';
import { type Ledger, refusalOf } from './ledger.ts';
import type { UploadStore } from './upload-store.ts';

/** The client whose request the tus server handles. */
export const currentClient = new AsyncLocalStorage<Client>();

/** Returns an answer in the form of the tus library. */
export const tusAnswer = ({ status, message }: HttpError) => ({
  status_code: status,
  body: message,
});

const almostFullBytes = 1024 * 1024;

/**
 * Makes the store of uploads count data in the ledger before it stores them, and report a full
 * disk.
 */
export function metered(uploads: UploadStore, ledger: Ledger): DataStore {
  const store = uploads.tus;
  const create = store.create.bind(store);
  const write = store.write.bind(store);
  const getUpload = store.getUpload.bind(store);
  const remove = store.remove.bind(store);
  const idOf = (tusId: string) => tusId.slice(uploads.prefix.length);

  /** Returns the cause of an error, which the library hides. */
  async function reasonOf(error: unknown): Promise<unknown> {
    const freeBytes = await uploads.freeBytes().catch(() => undefined);
    return freeBytes !== undefined && freeBytes < almostFullBytes
      ? tusAnswer(refusalOf('bytes'))
      : error;
  }

  store.create = async (upload) => {
    try {
      return await create(upload);
    } catch (error) {
      await uploads.remove(idOf(upload.id)).catch(() => {});
      await ledger.end(idOf(upload.id));
      throw await reasonOf(error);
    }
  };

  store.write = async (source, tusId, offset) => {
    const id = idOf(tusId);
    const client = currentClient.getStore() ?? [];
    let refusal: HttpError | undefined;
    const meter = new Transform({
      transform(bytes: Buffer, _encoding, done) {
        ledger.arrive(id, client, bytes.length).then(
          () => done(null, bytes),
          (error) => {
            if (error instanceof HttpError) refusal = error;
            done(error);
          },
        );
      },
    });
    // The store may not listen yet: it first sends a request to the bucket.
    meter.on('error', () => {});
    // Not a pipeline: it would end the source, and the library would notice before it has the
    // reason.
    source.once('error', (error) => meter.destroy(error));
    source.once('close', () => {
      if (!source.readableEnded) meter.destroy(new Error('The client went away.'));
    });
    source.pipe(meter);
    try {
      return await write(meter, tusId, offset);
    } catch (error) {
      throw refusal ? tusAnswer(refusal) : await reasonOf(error);
    } finally {
      // Subtracts counted bytes that were not stored.
      const there = await getUpload(tusId).catch(() => undefined);
      if (there) await ledger.correct(id, there.offset);
    }
  };

  store.getUpload = async (tusId) => {
    try {
      return await getUpload(tusId);
    } catch (error) {
      // A crash tore the description: the upload starts again.
      throw error instanceof SyntaxError ? ERRORS.FILE_NOT_FOUND : error;
    }
  };

  store.remove = async (tusId) => {
    await remove(tusId);
    await ledger.end(idOf(tusId));
  };
  return store;
}
