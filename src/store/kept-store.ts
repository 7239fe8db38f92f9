/** The store of a keeper: it outlives the failure of the place that it is in, see DURABILITY.md. */
import { CprError } from '../errors.ts';
import { carryOver } from './carry-over.ts';
import { Connection } from './connection.ts';
import { Copy, machinesOf, unlessGone } from './copy.ts';
import { type Digest, loadDigest } from './digest.ts';
import { Marks } from './mark.ts';
import { copyBesideBuckets, Places, type PlacesInUse } from './place.ts';
import { alone, flag, hasFlag } from './place-flags.ts';
import { copyMachine } from './replicate.ts';
import { storageError } from './storage-error.ts';
import { IndexedDbStore, openStore, type StoreOptions } from './store.ts';
import type { Store } from './types.ts';

/** A disk that takes this has room for some checkpoints. */
const probeBytes = 8 * 1024 * 1024;
/** More than LevelDB gathers before it begins a new log. */
const logBytes = 5 * 1024 * 1024;

/** As {@link openStore}; where the browser has Storage Buckets, with a second copy, and moved when the disk failed. */
export async function openKeptStore(options: StoreOptions = {}): Promise<Store> {
  const { databaseName = 'holdfast' } = options;
  const places = Places.of(databaseName);
  // As on origins that are not secure, and in other browsers: those have no log that loses everything.
  if (!places) return openStore(options);
  const kept = new KeptPlaces(places, { ...options, databaseName }, await loadDigest());
  return kept.open().catch((thrown) => {
    throw storageError(thrown, 'open the stored machines');
  });
}

class KeptPlaces {
  readonly #places: Places;
  readonly #options: StoreOptions & { databaseName: string };
  readonly #digest: Digest;

  constructor(places: Places, options: StoreOptions & { databaseName: string }, digest: Digest) {
    this.#places = places;
    this.#options = options;
    this.#digest = digest;
  }

  async open(): Promise<Store> {
    const [place, first] = await this.#first();
    let copyPlace: number | undefined;
    const copy = new Copy({
      first,
      digest: this.#digest,
      connect: async (make) => {
        copyPlace = await this.#copyPlace(place, make);
        return copyPlace === undefined ? undefined : this.#connectCopy(copyPlace);
      },
      giveUp: () => {
        if (copyPlace !== undefined) flag('retired', copyPlace);
      },
      completed: async () => {
        const { others, copy } = await this.#places.inUse();
        if (copy !== copyPlace && copy !== copyBesideBuckets) return;
        const older: number[] = others.filter((other) => other !== copyPlace);
        // Left by buckets that are gone, or given up.
        const isBeside = copyPlace === copyBesideBuckets;
        if (!isBeside && (await this.#places.hasCopyBesideBuckets())) older.push(copyBesideBuckets);
        await this.#removeAll(older);
      },
      discard: () => this.#discardCopies(place),
    });
    first.spare = () => copy.spare();
    return new IndexedDbStore(first, this.#digest, { copy, marks: new Marks() });
  }

  async #first(): Promise<[place: number, Connection]> {
    const inUse = await this.#places.inUse();
    const { first } = inUse;
    if (await hasFlag('retired', first)) return alone('places', () => this.#moveAway());
    const connection = this.#connect(first);
    let reason: CprError | undefined;
    try {
      await connection.open();
      const machines = await machinesOf(connection);
      if (machines.length > 0) {
        await this.#mend(connection, inUse);
        return [first, connection];
      }
      if ((await this.#copiesOf(inUse)).length === 0) return [first, connection];
    } catch (thrown) {
      const error = CprError.from(thrown, 'internal', 'The store cannot be opened');
      if (error.code !== 'storage-failing' && error.code !== 'storage-unavailable') throw error;
      reason = error;
    }
    connection.close();
    return alone('places', () => this.#takeOver(first, reason));
  }

  /** What the copy has and the first place lacks, as after a loss of power, goes there again. */
  async #mend(first: Connection, inUse: PlacesInUse): Promise<void> {
    const copy = inUse.copy ?? (await this.#copiesOf(inUse))[0];
    if (copy === undefined || (await hasFlag('retired', copy))) return;
    let connection: Connection | undefined;
    try {
      connection = await this.#connectCopy(copy);
      const copied = await machinesOf(connection);
      // Read after the copy, which is written last: what another worker stores meanwhile is there.
      const machines = await machinesOf(first);
      const times = new Map(machines.map(({ id, takenAtMs = 0 }) => [id, takenAtMs]));
      for (const { id, takenAtMs = 0 } of copied)
        if (takenAtMs > (times.get(id) ?? 0))
          await copyMachine(connection, first, this.#digest, id).catch(unlessGone);
    } catch (thrown) {
      console.info('The second copy of what is stored:', thrown);
    }
    connection?.close();
  }

  /**
   * The first place is empty, or cannot be opened. When it is so still, and the disk is well, what the
   * copies have becomes the first place.
   */
  async #takeOver(
    failed: number,
    reason: CprError | undefined,
  ): Promise<[place: number, Connection]> {
    const inUse = await this.#places.inUse();
    // Nobody tells a copy that is empty from one that cannot be read while the disk fails.
    await this.#probe();
    let again: Connection | undefined;
    try {
      again = this.#connect(inUse.first);
      await again.open();
      if (inUse.first !== failed || (await machinesOf(again)).length > 0)
        return [inUse.first, again];
    } catch (thrown) {
      again = undefined;
      reason = CprError.from(thrown, 'internal', 'The store cannot be opened');
    }
    const copies = await this.#copiesOf(inUse);
    const moved = copies.length > 0 && (await this.#moveTo(inUse, copies, !again));
    if (moved) {
      again?.close();
      return moved;
    }
    if (again) return [inUse.first, again];
    throw reason;
  }

  /** Places that may have what the first lacks. */
  async #copiesOf(inUse: PlacesInUse): Promise<number[]> {
    const others = othersOf(inUse);
    if (others.includes(copyBesideBuckets)) return others;
    return (await this.#places.hasCopyBesideBuckets()) ? [...others, copyBesideBuckets] : others;
  }

  /** The first place is retired: all that can be read goes to a new one. */
  async #moveAway(): Promise<[place: number, Connection]> {
    const inUse = await this.#places.inUse();
    const { first, next } = inUse;
    // Another worker has done it meanwhile.
    if (!(await hasFlag('retired', first))) {
      const connection = this.#connect(first);
      await connection.open();
      return [first, connection];
    }
    await this.#probe();
    const moved = await this.#moveTo(inUse, [first, ...(await this.#copiesOf(inUse))]);
    if (moved) return moved;
    // Nothing was stored yet, or nothing can be read: what comes is stored in a new place all the same.
    await this.#keepAll(othersOf(inUse).concat(first));
    await this.#places.makeFirst(next);
    const target = this.#connect(next);
    await target.open();
    return [next, target];
  }

  /**
   * @param isUnread the first place cannot be opened: it is left as it is
   * @returns the new first place; undefined when no machine was found
   */
  async #moveTo(
    { first, next }: PlacesInUse,
    sources: readonly number[],
    isUnread = false,
  ): Promise<[place: number, Connection] | undefined> {
    const target = this.#connect(next);
    try {
      await target.open();
      const open = (place: number) =>
        new Connection({ ...this.#connecting(place), onLost: () => undefined });
      const left = await carryOver(sources, target, open, this.#digest);
      if (isUnread) left.add(first);
      if ((await machinesOf(target)).length > 0) {
        await this.#keepAll(left);
        await this.#places.makeFirst(next);
        const old = new Set([first, ...sources.filter((place) => place > 0)]);
        void this.#removeAll([...old].filter((place) => !left.has(place)));
        return [next, target];
      }
    } catch (thrown) {
      target.close();
      await this.#places.remove(next).catch(() => undefined);
      throw storageError(thrown, 'move what is stored to a new place', 'write');
    }
    target.close();
    await this.#places.remove(next);
    return undefined;
  }

  async #keepAll(places: Iterable<number>): Promise<void> {
    for (const place of places) await this.#places.keep(place);
  }

  /** All but the first place. */
  async #discardCopies(first: number): Promise<void> {
    const inUse = await this.#places.inUse();
    if (inUse.first !== first) return;
    const places = [...inUse.others];
    if (inUse.copy !== undefined && inUse.copy > 0) places.push(inUse.copy);
    if (await this.#places.hasCopyBesideBuckets()) places.push(copyBesideBuckets);
    for (const place of places) await this.#places.remove(place);
  }

  async #removeAll(places: readonly number[]): Promise<void> {
    for (const place of places) {
      await this.#places.remove(place).catch((thrown) => {
        console.info(`Place ${place} of what was stored cannot be deleted:`, thrown);
      });
    }
  }

  /** @throws CprError `storage-failing` */
  async #probe(): Promise<void> {
    try {
      await alone('probe', () => this.#places.probe(probeBytes));
    } catch (cause) {
      throw new CprError(
        'storage-failing',
        'The disk has no room, or fails: nothing is written until it does again.',
        { cause },
      );
    }
  }

  #connect(place: number): Connection {
    const { onLost = () => undefined } = this.#options;
    return new Connection({
      ...this.#connecting(place),
      onLost,
      onFailed: () => {
        flag('retired', place);
        onLost('failed');
      },
    });
  }

  #connecting(place: number) {
    const { openTimeoutMs = 10_000, onWindow = () => undefined } = this.#options;
    return {
      databaseName: this.#places.databaseIn(place),
      openTimeoutMs,
      onWindow,
      factory: () => this.#places.factory(place),
      beforeWrites: (connection: Connection) => this.#renewLog(place, connection),
    };
  }

  /** Nothing is appended to the log of an earlier life of the browser, whose end may be torn. */
  async #renewLog(place: number, connection: Connection): Promise<void> {
    // Those in the origin's default IndexedDB share a log: a new database there may have an old one.
    const isNew = connection.isNew && place !== copyBesideBuckets;
    if (!isNew && !(await hasFlag('renewed', place))) {
      await this.#probe();
      await connection.renewLog(logBytes);
    }
    flag('renewed', place);
  }

  /** @param make chooses a new one where there is none that can be written */
  async #copyPlace(first: number, make: boolean): Promise<number | undefined> {
    const { first: now, copy, next } = await this.#places.inUse();
    if (now !== first) return undefined;
    if (!make && copy === copyBesideBuckets && !(await this.#places.hasCopyBesideBuckets()))
      return undefined;
    if (!make || (copy !== undefined && !(await hasFlag('retired', copy)))) return copy;
    return next;
  }

  async #connectCopy(place: number): Promise<Connection> {
    const connection = new Connection({
      ...this.#connecting(place),
      // Its failure is not that of the store.
      onLost: () => undefined,
      onFailed: () => undefined,
    });
    await connection.open();
    return connection;
  }
}

const othersOf = ({ copy, others, first }: PlacesInUse): number[] => [
  ...(copy === undefined ? [] : [copy]),
  ...others.filter((place) => place > first),
];
