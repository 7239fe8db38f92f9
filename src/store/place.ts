/**
 * Places of the store: databases with separate files. Place 0 is the origin's default IndexedDB;
 * place n is the Storage Bucket `holdfast-n`. Without opening a place, only the names of buckets
 * are known. So the bucket `holdfast-n-ready` marks place n as complete and as the first. The first
 * place and its copy are never both in buckets: Chromium drops all buckets when the database of
 * their names is damaged.
 */
import { answerTo, readMs, writeMs } from './answers.ts';
import { type MachineRow, movedVersion } from './schema.ts';
import { sentWithCallBytes } from './transferred.ts';

/** The parts of the Storage Buckets API that the store uses. */
interface BucketManager {
  open(name: string, options?: BucketOptions): Promise<{ readonly indexedDB: IDBFactory }>;
  keys(): Promise<string[]>;
  delete(name: string): Promise<void>;
}

interface BucketOptions {
  persisted: boolean;
  durability: 'strict';
}

/**
 * Options of a bucket. It is persistent only if the site's data may be; otherwise a full disk
 * deletes it.
 */
const lasting: BucketOptions = { persisted: true, durability: 'strict' };

export interface PlacesInUse {
  /** The place for reads and writes. */
  first: number;
  /** The second copy, if there is one. */
  copy?: number;
  /**
   * Places that the first has replaced, or that are unfinished, except kept ones. The newest first.
   */
  others: readonly number[];
  /** Replaced places with contents that could not be read. */
  kept: readonly number[];
  /** A number that was never used. */
  next: number;
}

/** The copy of a first place in a bucket: a second database in the origin's default IndexedDB. */
export const copyBesideBuckets = -1;

const nameOf = (number: number) => `holdfast-${number}`;
const readyName = (number: number) => `${nameOf(number)}-ready`;
const keptName = (number: number) => `${nameOf(number)}-kept`;
const probePrefix = 'holdfast-probe-';

/** Returns the places, derived from the names of all buckets of the origin. */
export function placesInUse(buckets: readonly string[]): PlacesInUse {
  // Includes deleted places: no number is used twice.
  const named = buckets.flatMap((name) => {
    const [, number] = /^holdfast-(\d+)(-ready|-kept)?$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
  const places = [...new Set(named)].filter((number) => buckets.includes(nameOf(number)));
  const first = Math.max(0, ...places.filter((number) => buckets.includes(readyName(number))));
  const later = places.filter((number) => number > first);
  // An unfinished place whose maker died becomes the copy: its contents are compared anyway.
  const latest = later.length > 0 ? Math.max(...later) : undefined;
  const copy = first > 0 ? copyBesideBuckets : latest;
  const replaced = places
    .filter((number) => number !== first && number !== copy)
    .sort((a, b) => b - a);
  const isKept = (number: number) => buckets.includes(keptName(number));
  return {
    first,
    ...(copy !== undefined && { copy }),
    others: replaced.filter((number) => !isKept(number)),
    kept: replaced.filter(isKept),
    next: Math.max(0, ...named) + 1,
  };
}

export class Places {
  readonly #buckets: BucketManager;
  readonly #databaseName: string;

  private constructor(buckets: BucketManager, databaseName: string) {
    this.#buckets = buckets;
    this.#databaseName = databaseName;
  }

  /** Returns undefined if the browser has no buckets: it could only have a second database. */
  static of(databaseName: string): Places | undefined {
    const { storageBuckets } = globalThis.navigator as { storageBuckets?: BucketManager };
    return storageBuckets && new Places(storageBuckets, databaseName);
  }

  async inUse(): Promise<PlacesInUse> {
    return placesInUse(await answerTo(this.#buckets.keys(), 'list the places of stored machines'));
  }

  async factory(place: number): Promise<IDBFactory> {
    return place <= 0 ? indexedDB : (await this.#open(nameOf(place))).indexedDB;
  }

  databaseIn(place: number): string {
    return place === copyBesideBuckets ? `${this.#databaseName}-copy` : this.#databaseName;
  }

  /** Returns true if buckets that are gone left a copy in the default IndexedDB. */
  async hasCopyBesideBuckets(): Promise<boolean> {
    const name = this.databaseIn(copyBesideBuckets);
    return (await this.#databases()).some((database) => database.name === name);
  }

  /**
   * Returns no databases if the default IndexedDB cannot be opened, for example without its
   * MANIFEST.
   */
  #databases(): Promise<IDBDatabaseInfo[]> {
    const listed = indexedDB.databases().catch(() => []);
    return answerTo(listed, 'list the databases of stored machines');
  }

  /** Makes a complete place the first, at once and for good. */
  async makeFirst(place: number): Promise<void> {
    await this.#open(readyName(place));
  }

  /** Keeps a replaced place with unreadable contents: it is not deleted. */
  async keep(place: number): Promise<void> {
    if (place > 0) await this.#open(keptName(place));
  }

  /**
   * Resolves when the place is deleted; its connections are closed. Use {@link vacate} for place 0.
   */
  async remove(place: number): Promise<void> {
    if (place <= 0)
      return answerTo(
        deleteDatabase(this.databaseIn(place)),
        'delete old stored machines',
        writeMs,
      );
    await this.#delete(nameOf(place));
    await this.#delete(readyName(place));
    await this.#delete(keptName(place));
  }

  /** Returns true if place 0 has a database that was not vacated. */
  async hasDefault(): Promise<boolean> {
    const name = this.databaseIn(0);
    return (await this.#databases()).some(
      (database) => database.name === name && database.version !== movedVersion,
    );
  }

  /**
   * Empties place 0, and leaves a marker that stops pages of older versions from storing there.
   * @param isOutlived returns true if all of its contents are stored elsewhere. No writes happen in
   * between.
   * @returns true if it is empty now
   */
  async vacate(isOutlived: (machines: readonly MachineRow[]) => boolean): Promise<boolean> {
    const vacated = vacateDatabase(this.databaseIn(0), isOutlived);
    return answerTo(vacated, 'delete old stored machines', writeMs);
  }

  /**
   * Tests the disk: writes this many bytes to a temporary bucket and deletes it. Only one worker at
   * a time; it also deletes buckets that others left.
   * @throws the browser's error if the disk refuses, or HoldfastError `storage-blocked`
   */
  async probe(sizeBytes: number): Promise<void> {
    const names = await answerTo(this.#buckets.keys(), 'list the places of stored machines');
    for (const name of names)
      if (name.startsWith(probePrefix)) void this.#delete(name).catch(() => undefined);
    const name = `${probePrefix}${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    await answerTo(this.#probeIn(name, sizeBytes), 'write to the disk', readMs);
  }

  async #probeIn(name: string, sizeBytes: number): Promise<void> {
    try {
      const { indexedDB: factory } = await this.#buckets.open(name);
      const request = factory.open('probe');
      request.onupgradeneeded = () => request.result.createObjectStore('bytes');
      const database = await settled(request);
      // Small values: the bytes of a large one arrive late on a busy computer.
      const bytes = noise(sentWithCallBytes);
      const keys = Array.from({ length: Math.ceil(sizeBytes / bytes.length) }, (_, key) => key);
      const transaction = database.transaction('bytes', 'readwrite', { durability: 'strict' });
      const done = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const store = transaction.objectStore('bytes');
      for (const key of keys) store.put(bytes, key);
      await done.finally(() => database.close());
    } finally {
      await this.#buckets.delete(name).catch(() => undefined);
    }
  }

  #open(name: string): Promise<{ readonly indexedDB: IDBFactory }> {
    return answerTo(this.#buckets.open(name, lasting), 'open a place of stored machines');
  }

  #delete(name: string): Promise<void> {
    return answerTo(this.#buckets.delete(name), 'delete old stored machines', writeMs);
  }
}

/** Returns bytes that the browser cannot compress: zeros would fit on a full disk. */
function noise(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  const mostAtOnce = 65_536;
  for (let at = 0; at < sizeBytes; at += mostAtOnce)
    crypto.getRandomValues(bytes.subarray(at, at + mostAtOnce));
  return bytes;
}

function vacateDatabase(
  name: string,
  isOutlived: (machines: readonly MachineRow[]) => boolean,
): Promise<boolean> {
  const request = indexedDB.open(name, movedVersion);
  let isLeft = false;
  request.onupgradeneeded = () => {
    const { result: database, transaction } = request;
    const drop = () => {
      for (const store of database.objectStoreNames) database.deleteObjectStore(store);
    };
    if (!database.objectStoreNames.contains('machines')) return drop();
    const rows = transaction?.objectStore('machines').getAll();
    if (!rows) return;
    rows.onsuccess = () => {
      isLeft = !isOutlived(rows.result);
      if (isLeft) transaction?.abort();
      else drop();
    };
  };
  return new Promise((resolve, reject) => {
    // Does not wait for open connections.
    request.onblocked = () => resolve(false);
    request.onsuccess = () => {
      request.result.close();
      resolve(true);
    };
    request.onerror = () => (isLeft ? resolve(false) : reject(request.error));
  });
}

/** Deletes a database without waiting for open connections. */
function deleteDatabase(name: string): Promise<void> {
  const request = indexedDB.deleteDatabase(name);
  return new Promise((resolve, reject) => {
    request.onblocked = () => resolve();
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
