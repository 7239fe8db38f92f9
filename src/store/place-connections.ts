/** Connections to places, and what comes before a place is written to. */
import { HoldfastError } from '../errors.ts';
import { DatabaseConnection } from './database-connection.ts';
import type { FailedPlaces } from './failed-places.ts';
import { copyBesideBuckets, type Places } from './place.ts';
import { alone, flag, hasFlag } from './place-flags.ts';
import type { StoreOptions } from './store.ts';

/** A disk that takes this has room for some checkpoints. */
const probeBytes = 8 * 1024 * 1024;
/** More than LevelDB gathers before it begins a new log. */
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

  /** To the first place. @param secure comes before its log is renewed */
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

  /** To a copy: its failure is not that of the store. */
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

  /** To what was left in an old place. */
  old(place: number): DatabaseConnection {
    return new DatabaseConnection({ ...this.#connecting(place), onLost: () => undefined });
  }

  /** Nobody opens it again while the browser runs, and nobody writes to it ever. */
  retire(place: number): void {
    flag('retired', place);
    void this.#failed.add(place);
  }

  /** Whether nobody may write to it. */
  async isFailed(place: number): Promise<boolean> {
    return (await hasFlag('retired', place)) || (await this.#failed.has(place));
  }

  /** A number from `next` on of a place that did not fail before it was deleted. */
  async unused(next: number): Promise<number> {
    for (let place = next; ; place++) if (!(await this.isFailed(place))) return place;
  }

  /** @throws HoldfastError `storage-failing` */
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
   * Nothing is appended to the log of an earlier life of the browser, whose end may be torn. A kill while
   * it is renewed may cost all that is in it: one place after the other, and what is in one is in the other.
   */
  async #beforeWrites(
    place: number,
    connection: DatabaseConnection,
    secure: () => Promise<void>,
  ): Promise<() => void> {
    // Those in the origin's default IndexedDB share a log: a new database there may have an old one.
    const isNew = connection.isNew && place !== copyBesideBuckets;
    if (!isNew && !(await hasFlag('renewed', place))) {
      if (await this.#failed.has(place)) throw connection.refuse(failedBefore());
      await secure();
      await alone('renewal', async () => {
        await this.probe();
        await connection.renewLog(logBytes);
      });
    }
    // As long as it is open nothing tears its log unnoticed.
    return flag('renewed', place);
  }
}

const failedBefore = () =>
  new HoldfastError(
    'storage-failing',
    'The disk refused to store the machines before, and has no room for another place yet.',
  );
