/**
 * The only connection of a store to its database. It handles all events of a connection: blocked by
 * an older page, blocking a newer one, terminated by the browser.
 */
import { HoldfastError } from '../errors.ts';
import { Answers, NoAnswer, readMs, writeMs } from './answers.ts';
import type { CrashWindow, WindowHook, WriteName } from './crash-windows.ts';
import { type DatabaseEvents, openDatabase, renewLog } from './database.ts';
import { type Database, type Stores, schemaVersion, type Transaction, upgrade } from './schema.ts';
import { hasName, storageError } from './storage-error.ts';
import { finish, within } from './waiting.ts';

/**
 * The reason why the connection was closed from outside. `newer-page`: a page of a newer version
 * wants to convert the database. Nothing can be stored until this page is reloaded. `deleted`:
 * the database is being deleted. `terminated`: the browser closed it, for example to clear this
 * site's data. After these two the next operation reconnects. `failed`: the disk refused a write,
 * see {@link DatabaseConnectionOptions.onFailed}.
 */
export type ConnectionLoss = 'newer-page' | 'deleted' | 'terminated' | 'failed';

export interface DatabaseConnectionOptions {
  databaseName: string;
  /** Default: the origin's own. */
  factory?: () => Promise<IDBFactory>;
  /**
   * Default: the schema's version. `as-it-is`: the database's own, to read data of a newer version.
   */
  version?: number | 'as-it-is';
  /** Longest wait for a database that does not open. */
  openTimeoutMs: number;
  onLost: (loss: ConnectionLoss) => void;
  onWindow: WindowHook;
  /**
   * Called when the disk refused a write, or the browser closed the database. The database is not
   * opened again: all later operations fail with `storage-failing`. Absent: it is opened again.
   */
  onFailed?: () => void;
  /**
   * Awaited before the first write. The function that it resolves with is called when the
   * connection ends.
   */
  beforeWrites?: (connection: DatabaseConnection) => Promise<() => void>;
}

export interface WriteOptions {
  name: WriteName;
  stores: Stores[];
  durability: 'strict' | 'relaxed';
  /** Completes "The browser refused to …". */
  doing: string;
  /** Size of the data, if it is large: the write takes longer. */
  sizeBytes?: number;
}

/** Data that the browser found damaged and deleted; it then created an empty database. */
export interface DiscardedData {
  /** Time of discovery (`Date.now()`). */
  atMs: number;
  /** The browser's own words. */
  reason: string;
}

/** Members of Chromium's event beyond the standard. */
interface DataLoss {
  dataLoss?: 'none' | 'total';
  dataLossMessage?: string;
}

/** A browser that clears this site's data may close the new connection as well. */
const attempts = 3;
/** Slower than any disk in practice. */
const leastBytesPerMs = 5_000;

export class DatabaseConnection {
  /** Returns another place for data that cannot be read here. */
  spare?: () => Promise<DatabaseConnection | undefined>;
  readonly #options: DatabaseConnectionOptions;
  readonly #answers = new Answers();
  #database: Promise<Database> | undefined;
  #closed = false;
  #discarded: DiscardedData | undefined;
  #failed: HoldfastError | undefined;
  #isNew = false;
  #hasBeenOpen = false;
  /** True if the database is being deleted, so that it is empty when it is opened again. */
  #isDeleted = false;
  #readyToWrite: Promise<() => void> | undefined;

  constructor(options: DatabaseConnectionOptions) {
    this.#options = options;
  }

  /** Data loss found when the database was opened; Chromium only. */
  get discarded(): DiscardedData | undefined {
    return this.#discarded;
  }

  /** True if the database was created when it was opened. */
  get isNew(): boolean {
    return this.#isNew;
  }

  /** True if this connection can no longer read or write. */
  get hasFailed(): boolean {
    return this.#failed !== undefined;
  }

  /** Connects unless it is connected. */
  async open(): Promise<void> {
    await this.#connected('open the stored machines');
  }

  close(): void {
    this.#closed = true;
    this.#endWriting();
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
      const finished = finish(transaction, () => body(transaction));
      return await this.#answers.to(finished, doing, readMs);
    });
  }

  /**
   * Runs `body` in one transaction and resolves when it is committed. If the connection was lost in
   * between, `body` runs again: it must tolerate that an earlier run was committed.
   */
  write<T>(
    { name, stores, durability, doing, sizeBytes = 0 }: WriteOptions,
    body: (transaction: Transaction<'readwrite'>) => Promise<T>,
  ): Promise<T> {
    const reach = (window: CrashWindow) => this.#options.onWindow(window);
    return this.#again('write', doing, async (database) => {
      await this.#beforeWrites();
      const transaction = database.transaction(stores, 'readwrite', { durability });
      const finished = finish(transaction, async () => {
        reach(`${name}:begun`);
        const written = await body(transaction);
        reach(`${name}:written`);
        return written;
      });
      const silenceMs = writeMs + sizeBytes / leastBytesPerMs;
      const result = await this.#answers.to(finished, doing, silenceMs);
      reach(`${name}:committed`);
      return result;
    });
  }

  /** Does what the first write would wait for. @throws as a write does */
  async prepareToWrite(): Promise<void> {
    await this.open();
    await this.#beforeWrites();
  }

  /** The preparation for writes is valid for as long as the database is open. */
  #endWriting(): void {
    this.#readyToWrite?.then(
      (end) => end(),
      () => undefined,
    );
    this.#readyToWrite = undefined;
  }

  /** Refuses all later writes. @returns the error, for the present writer */
  refuse(error: HoldfastError): HoldfastError {
    this.#fail(error);
    return error;
  }

  /**
   * @throws errors of {@link DatabaseConnectionOptions.beforeWrites}: the next write tries it again
   */
  async #beforeWrites(): Promise<void> {
    const { beforeWrites } = this.#options;
    if (!beforeWrites) return;
    this.#readyToWrite ??= beforeWrites(this).catch((thrown) => {
      this.#readyToWrite = undefined;
      throw thrown;
    });
    await this.#readyToWrite;
  }

  /** One transaction of many small values, see docs/spec/storage.md. It comes before any other write. */
  async renewLog(sizeBytes: number): Promise<void> {
    const database = await this.#connected('renew the log of the stored machines');
    const doing = 'renew the log of the stored machines';
    await this.#answers.to(renewLog(database, sizeBytes), doing, writeMs).catch((thrown) => {
      throw this.#noted(thrown, 'write', doing);
    });
  }

  /** Returns the error with one of our codes. A failure of the disk ends this connection. */
  #noted(thrown: unknown, access: 'read' | 'write', doing: string): HoldfastError {
    if (thrown instanceof HoldfastError) return thrown;
    const error = storageError(thrown, doing, access);
    if (error.code === 'storage-failing') this.#fail(error);
    return error;
  }

  #fail(error: HoldfastError): void {
    if (this.#failed || !this.#options.onFailed) return;
    this.#failed = error;
    this.#endWriting();
    this.#database?.then(
      (database) => database.close(),
      () => undefined,
    );
    this.#database = undefined;
    this.#options.onFailed();
  }

  /**
   * Runs an operation again if the connection was lost in between. Runs it a third time if the next
   * one is lost too.
   */
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
        if (this.#failed) throw this.#failed;
        // The next operation uses a new connection.
        if (database && thrown instanceof NoAnswer) this.#forget(database);
        if (attempt === attempts || !isLost(thrown)) throw this.#noted(thrown, access, doing);
      }
      if (database) this.#forget(database);
    }
  }

  #connected(doing: string): Promise<Database> {
    if (this.#closed) {
      return Promise.reject(
        new HoldfastError('storage-unavailable', 'The store was closed. Open it again.'),
      );
    }
    if (this.#failed) return Promise.reject(this.#failed);
    if (!this.#database) {
      const opening = this.#connect().catch((thrown) => {
        if (this.#database === opening) this.#database = undefined;
        throw this.#noted(thrown, 'read', doing);
      });
      this.#database = opening;
    }
    return this.#database;
  }

  #forget(database: Database): void {
    database.close();
    this.#endWriting();
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
      factory = async () => indexedDB,
      version = schemaVersion,
      openTimeoutMs,
      onLost,
      onWindow,
    } = this.#options;
    let blocked = false;
    let opened: Database | undefined;
    const lose = (loss: ConnectionLoss) => {
      if (opened) this.#forget(opened);
      if (loss === 'terminated') this.#fail(closedByBrowser());
      onLost(loss);
    };
    const events: DatabaseEvents = {
      upgrade: (database, oldVersion, transaction, event) => {
        const { dataLoss, dataLossMessage = '' } = event as DataLoss;
        this.#isNew = oldVersion === 0;
        // Chromium may discard the database without an event, although nothing requested a
        // deletion.
        const isGone = this.#isNew && this.#hasBeenOpen && !this.#isDeleted;
        if (dataLoss === 'total' || isGone) {
          const reason = dataLossMessage || 'It was open before, and is empty now.';
          this.#discarded = { atMs: Date.now(), reason };
        }
        onWindow('upgrade:begun');
        upgrade(database, oldVersion, transaction);
        onWindow('upgrade:written');
        transaction.done.then(
          () => onWindow('upgrade:committed'),
          () => undefined,
        );
      },
      blocked: () => {
        blocked = true;
      },
      blocking: (wanted, database) => {
        this.#isDeleted ||= wanted === null;
        // At once: the waiting page may be visible to the user.
        database.close();
        lose(wanted === null ? 'deleted' : 'newer-page');
      },
      terminated: () => lose('terminated'),
    };
    const toOpen = version === 'as-it-is' ? undefined : version;
    // A bucket may not answer either.
    const opening = factory().then((own) => openDatabase(own, databaseName, toOpen, events));
    opened = await within(openTimeoutMs, opening, () =>
      blocked
        ? 'A page of an older version holds the stored machines. Close the other pages of this site.'
        : 'The browser does not open the stored machines. Close the other pages of this site, or restart the browser.',
    );
    if (this.#closed) opened.close();
    this.#hasBeenOpen = true;
    this.#isDeleted = false;
    return opened;
  }
}

const closedByBrowser = () =>
  new HoldfastError(
    'storage-failing',
    'The browser closed the stored machines by itself, as it does when the disk is full or fails.',
  );

/**
 * Returns true if the connection was lost. AbortError: not ours, or its reason would have been
 * thrown. InvalidStateError: the connection is closing.
 */
function isLost(thrown: unknown): boolean {
  const reason = thrown instanceof HoldfastError ? thrown.cause : thrown;
  return hasName(reason, 'AbortError', 'InvalidStateError');
}
