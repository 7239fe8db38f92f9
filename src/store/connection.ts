/**
 * The one connection of a store to its database. It opens, is told of, and survives all that can
 * happen to a connection: blocked by an older page, blocking a newer one, ended by the browser.
 */
import { openDB } from 'idb';
import { CprError } from '../errors.ts';
import type { CrashWindow, WindowHook, WriteName } from './crash-windows.ts';
import { type Database, type Stores, schemaVersion, type Transaction, upgrade } from './schema.ts';
import { hasName, storageError } from './storage-error.ts';

/**
 * Why the connection was closed under us:
 * `newer-page` a page of a newer version wants to convert the database: nothing can be stored until
 * this page is reloaded; `deleted` somebody deletes the database, `terminated` the browser ended
 * it, for example to clear this site's data: the next operation connects again.
 */
export type ConnectionLoss = 'newer-page' | 'deleted' | 'terminated';

export interface ConnectionOptions {
  databaseName: string;
  /** Default: the schema's. */
  version?: number;
  /** How long to wait for a database that does not open. */
  openTimeoutMs: number;
  onLost: (loss: ConnectionLoss) => void;
  onWindow: WindowHook;
}

export interface WriteOptions {
  name: WriteName;
  stores: Stores[];
  durability: 'strict' | 'relaxed';
  /** Completes "The browser refused to …". */
  doing: string;
}

/** The browser found the database damaged, threw it away, and made an empty one. */
export interface DiscardedData {
  /** When that came out (`Date.now()`). */
  atMs: number;
  /** The browser's own words. */
  reason: string;
}

/** Of Chromium alone: what its event says beside the standard. */
interface DataLoss {
  dataLoss?: 'none' | 'total';
  dataLossMessage?: string;
}

/** A browser that clears this site's data may close the new connection as well as the old one. */
const attempts = 3;

export class Connection {
  readonly #options: ConnectionOptions;
  #database: Promise<Database> | undefined;
  #closed = false;
  #discarded: DiscardedData | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Found out when the database was opened; Chromium only, others say nothing. */
  get discarded(): DiscardedData | undefined {
    return this.#discarded;
  }

  /** Connects if it is not connected. */
  async open(): Promise<void> {
    await this.#connected('open the stored machines');
  }

  close(): void {
    this.#closed = true;
    this.#database?.then(
      (database) => database.close(),
      () => undefined,
    );
    this.#database = undefined;
  }

  /** @param doing completes "The browser refused to …" */
  read<T>(
    stores: Stores[],
    doing: string,
    body: (transaction: Transaction<'readonly'>) => Promise<T>,
  ): Promise<T> {
    return this.#again('read', doing, async (database) => {
      const transaction = database.transaction(stores, 'readonly');
      return await finish(transaction, () => body(transaction));
    });
  }

  /**
   * Runs `body` in one transaction and resolves when it is committed. When the connection was lost
   * meanwhile, `body` is run again: it must bear that an earlier run has been committed.
   */
  write<T>(
    { name, stores, durability, doing }: WriteOptions,
    body: (transaction: Transaction<'readwrite'>) => Promise<T>,
  ): Promise<T> {
    const reach = (window: CrashWindow) => this.#options.onWindow(window);
    return this.#again('write', doing, async (database) => {
      const transaction = database.transaction(stores, 'readwrite', { durability });
      const result = await finish(transaction, async () => {
        reach(`${name}:begun`);
        const written = await body(transaction);
        reach(`${name}:written`);
        return written;
      });
      reach(`${name}:committed`);
      return result;
    });
  }

  /** Once more where the connection was lost meanwhile, and again where that happens to the next one. */
  async #again<T>(
    access: 'read' | 'write',
    doing: string,
    run: (database: Database) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let database: Database | undefined;
      try {
        database = await this.#connected(doing);
        return await run(database);
      } catch (thrown) {
        if (attempt === attempts || !isLost(thrown)) throw storageError(thrown, doing, access);
      }
      if (database) this.#forget(database);
    }
  }

  #connected(doing: string): Promise<Database> {
    if (this.#closed) {
      return Promise.reject(
        new CprError('storage-unavailable', 'The store was closed. Open it again.'),
      );
    }
    if (!this.#database) {
      const opening = this.#connect().catch((thrown) => {
        if (this.#database === opening) this.#database = undefined;
        throw storageError(thrown, doing);
      });
      this.#database = opening;
    }
    return this.#database;
  }

  #forget(database: Database): void {
    database.close();
    const current = this.#database;
    current?.then(
      (open) => {
        if (open === database && this.#database === current) this.#database = undefined;
      },
      () => undefined,
    );
  }

  async #connect(): Promise<Database> {
    const {
      databaseName,
      version = schemaVersion,
      openTimeoutMs,
      onLost,
      onWindow,
    } = this.#options;
    let blocked = false;
    let opened: Database | undefined;
    const lose = (loss: ConnectionLoss) => {
      if (opened) this.#forget(opened);
      onLost(loss);
    };
    const opening = openDB(databaseName, version, {
      upgrade: (database, oldVersion, _newVersion, transaction, event) => {
        const { dataLoss, dataLossMessage = '' } = event as DataLoss;
        if (dataLoss === 'total') this.#discarded = { atMs: Date.now(), reason: dataLossMessage };
        onWindow('upgrade:begun');
        upgrade(database as Database, oldVersion, transaction as Transaction<'versionchange'>);
        onWindow('upgrade:written');
        transaction.done.then(
          () => onWindow('upgrade:committed'),
          () => undefined,
        );
      },
      blocked: () => {
        blocked = true;
      },
      blocking: (_version, wanted, event) => {
        // At once: whoever waits for us may be a page that somebody looks at.
        (event.target as IDBDatabase).close();
        lose(wanted === null ? 'deleted' : 'newer-page');
      },
      terminated: () => lose('terminated'),
    }) as Promise<Database>;
    opened = await within(openTimeoutMs, opening, () =>
      blocked
        ? 'A page of an older version holds the stored machines. Close the other pages of this site.'
        : 'The browser does not open the stored machines. Close the other pages of this site, or restart the browser.',
    );
    if (this.#closed) opened.close();
    return opened;
  }
}

/** AbortError: not by us, or the reason would have been thrown. InvalidStateError: closing. */
function isLost(thrown: unknown): boolean {
  const reason = thrown instanceof CprError ? thrown.cause : thrown;
  return hasName(reason, 'AbortError', 'InvalidStateError');
}

/** The outcome of `body` when `transaction` is committed; undoes the transaction when it throws. */
async function finish<T>(
  transaction: Transaction<'readonly' | 'readwrite'>,
  body: () => Promise<T>,
): Promise<T> {
  try {
    const result = await body();
    await transaction.done;
    return result;
  } catch (thrown) {
    try {
      transaction.abort();
    } catch {
      // It has ended already, which is what we want.
    }
    // A request fails with AbortError when its transaction failed: the transaction knows why.
    const reason = await transaction.done.then(
      () => thrown,
      (ended) => ended,
    );
    throw hasName(thrown, 'AbortError') ? reason : thrown;
  }
}

/** Rejects when `opening` takes too long, and closes what it opens later. */
function within(
  timeoutMs: number,
  opening: Promise<Database>,
  reason: () => string,
): Promise<Database> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new CprError('storage-blocked', reason()));
    }, timeoutMs);
    opening.then(
      (database) => {
        clearTimeout(timer);
        if (late) database.close();
        else resolve(database);
      },
      (thrown) => {
        clearTimeout(timer);
        reject(thrown);
      },
    );
  });
}
