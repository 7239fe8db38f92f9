/** Connections to places, and the preparation of a place for writes. */
import { HoldfastError } from '../errors.ts';
import { DatabaseConnection } from './database-connection.ts';
import type { FailedPlaces } from './failed-places.ts';
import { copyBesideBuckets, type Places } from './place.ts';
import { alone, flag, hasFlag } from './place-flags.ts';
import type { StoreOptions } from './store.ts';

/** A disk that accepts this has room for some checkpoints. */
const probeBytes = 8 * 1024 * 1024;
/** More than LevelDB collects before it starts a new log. */
const logBytes = 5 * 1024 * 1024;

export class PlaceConnections {
  readonly #places: Places;
  readonly #failed: FailedPlaces;
  readonly #options: StoreOptions;

  constructor(places: Places, failed: FailedPlaces, options: StoreOptions) {
    this.#places = places;
    this.#failed = failed;
    this.#options = options;
  }

  /** Connects to the first place. @param secure called before its log is renewed */
  first(place: number, secure = async () => {}): DatabaseConnection {
    const { onLost = () => undefined } = this.#options;
    return new DatabaseConnection({
      ...this.#connecting(place, secure),
      onLost,
      onFailed: () => {
        this.retire(place);
        onLost('failed');
      },
    });
  }

  /** Connects to a copy: if it fails, the store does not. */
  async copy(place: number): Promise<DatabaseConnection> {
    const ignore = () => undefined;
    const connection = new DatabaseConnection({
      ...this.#connecting(place),
      onLost: ignore,
      onFailed: ignore,
    });
    await connection.open();
    return connection;
  }

  /** Connects to an old place. */
  old(place: number): DatabaseConnection {
    return new DatabaseConnection({ ...this.#connecting(place), onLost: () => undefined });
  }

  /** Retires a place: it is not opened again while the browser runs, and never written to. */
  retire(place: number): void {
    flag('retired', place);
    void this.#failed.add(place);
  }

  /** Returns true if the place must not be written to. */
  async isFailed(place: number): Promise<boolean> {
    return (await hasFlag('retired', place)) || (await this.#failed.has(place));
  }

  /** Returns a number from `next` on that no failed place had. */
  async unused(next: number): Promise<number> {
    for (let place = next; ; place++) if (!(await this.isFailed(place))) return place;
  }

  /** Tests the disk. @throws HoldfastError `storage-failing` */
  async probe(): Promise<void> {
    try {
      await alone('probe', () => this.#places.probe(probeBytes));
    } catch (cause) {
      throw new HoldfastError(
        'storage-failing',
        'The disk has no room, or fails: nothing is written until it does again.',
        { cause },
      );
    }
  }

  #connecting(place: number, secure = async () => {}) {
    const { openTimeoutMs = 10_000, onWindow = () => undefined } = this.#options;
    return {
      databaseName: this.#places.databaseIn(place),
      openTimeoutMs,
      onWindow,
      factory: () => this.#places.factory(place),
      beforeWrites: (connection: DatabaseConnection) =>
        this.#beforeWrites(place, connection, secure),
    };
  }

  /**
   * Renews the log of an earlier life of the browser. Its end may be torn, so nothing is appended to it.
   * A kill during the renewal may cost all of its contents. So places are renewed
   * one after the other, and each one's contents are also in the other.
   */
  async #beforeWrites(
    place: number,
    connection: DatabaseConnection,
    secure: () => Promise<void>,
  ): Promise<() => void> {
    // Databases in the origin's default IndexedDB share a log: a new database there may have an old
    // one.
    const isNew = connection.isNew && place !== copyBesideBuckets;
    if (!isNew && !(await hasFlag('renewed', place))) {
      if (await this.#failed.has(place)) throw connection.refuse(failedBefore());
      await secure();
      await alone('renewal', async () => {
        await this.probe();
        await connection.renewLog(logBytes);
      });
    }
    // As long as it is open, its log cannot be torn unnoticed.
    return flag('renewed', place);
  }
}

const failedBefore = () =>
  new HoldfastError(
    'storage-failing',
    'The disk refused to store the machines before, and has no room for another place yet.',
  );
