/** The store of a keeper: it outlives the failure of the place that it is in, see docs/spec/storage.md. */
import { HoldfastError } from '../errors.ts';
import { Copy, machinesOf, unlessGone } from './copy.ts';
import type { DatabaseConnection } from './database-connection.ts';
import { type Digest, loadDigest } from './digest.ts';
import { FailedPlaces } from './failed-places.ts';
import { Marks } from './mark.ts';
import { type FirstPlace, Moves } from './moves.ts';
import { copyBesideBuckets, Places, type PlacesInUse } from './place.ts';
import { PlaceConnections } from './place-connections.ts';
import { alone, hasFlag } from './place-flags.ts';
import { copyMachine } from './replicate.ts';
import { MovedAway, storageError } from './storage-error.ts';
import { IndexedDbStore, openStore, type StoreOptions } from './store.ts';
import type { Store } from './types.ts';

/**
 * Like {@link openStore}. In browsers with Storage Buckets, it has a second copy, and moves after a
 * disk failure.
 */
export async function openKeptStore(options: StoreOptions = {}): Promise<Store> {
  const places = Places.of(options.databaseName ?? 'holdfast');
  // Without buckets, as on insecure origins and in other browsers: those have no log that loses
  // everything.
  if (!places) return openStore(options, { marks: new Marks() });
  const kept = new KeptPlaces(places, options, await loadDigest());
  return kept.open().catch((thrown) => {
    throw storageError(thrown, 'open the stored machines');
  });
}

class KeptPlaces {
  readonly #places: Places;
  readonly #digest: Digest;
  readonly #failed = new FailedPlaces();
  readonly #connections: PlaceConnections;
  readonly #moves: Moves;
  #copy: Copy | undefined;

  constructor(places: Places, options: StoreOptions, digest: Digest) {
    this.#places = places;
    this.#digest = digest;
    this.#connections = new PlaceConnections(places, this.#failed, options);
    this.#moves = new Moves({
      places,
      connections: this.#connections,
      failed: this.#failed,
      digest,
      connect: (place) => this.#connect(place),
    });
  }

  async open(): Promise<Store> {
    const { place, connection: first, toMend } = await this.#first();
    const copy = this.#copyOf(first, place);
    first.spare = () => copy.spare();
    this.#copy = copy;
    if (toMend) await this.#mend(first, toMend);
    return new IndexedDbStore(first, this.#digest, { copy, marks: new Marks() });
  }

  #copyOf(first: DatabaseConnection, place: number): Copy {
    let copyPlace: number | undefined;
    return new Copy({
      first,
      digest: this.#digest,
      connect: async (make) => {
        copyPlace = await this.#copyPlace(place, make);
        return copyPlace === undefined ? undefined : this.#connections.copy(copyPlace);
      },
      giveUp: () => {
        if (copyPlace !== undefined) this.#connections.retire(copyPlace);
      },
      completed: () => this.#removeOld(first, copyPlace),
      discard: () => this.#discardCopies(place),
    });
  }

  /** `toMend` is set if the place was found unchanged and may be written to. */
  async #first(): Promise<FirstPlace & { toMend?: PlacesInUse }> {
    const inUse = await this.#places.inUse();
    const { first: place } = inUse;
    const away = () => alone('places', () => this.#moves.away(place));
    const [isRetired, isFailed] = await Promise.all([
      hasFlag('retired', place),
      this.#failed.has(place),
    ]);
    if (isRetired) return away();
    if (isFailed) {
      try {
        return await away();
      } catch (thrown) {
        // Without room for another place, the present one can still be read.
        console.info('What is stored cannot be moved to another place yet:', thrown);
      }
    }
    const connection = this.#connect(place);
    let reason: HoldfastError | undefined;
    try {
      await connection.open();
      if ((await machinesOf(connection)).length > 0)
        return { place, connection, ...(!isFailed && { toMend: inUse }) };
      if ((await this.#moves.copiesOf(inUse)).length === 0) return { place, connection };
    } catch (thrown) {
      const error = HoldfastError.from(thrown, 'internal', 'The store cannot be opened');
      const codes: HoldfastError['code'][] = ['storage-failing', 'storage-unavailable'];
      if (!(error instanceof MovedAway) && !codes.includes(error.code)) throw error;
      reason = error;
    }
    connection.close();
    return alone('places', () => this.#moves.takeOver(place, reason));
  }

  /** Copies states from the copy to the first place that it lacks, as after a loss of power. */
  async #mend(first: DatabaseConnection, inUse: PlacesInUse): Promise<void> {
    const copy = inUse.copy ?? (await this.#moves.copiesOf(inUse))[0];
    if (copy === undefined || (await hasFlag('retired', copy))) return;
    let connection: DatabaseConnection | undefined;
    try {
      connection = await this.#connections.copy(copy);
      const copied = await machinesOf(connection);
      // Read after the copy, which is written last: states that another worker stores in between
      // are included.
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

  /** Deletes the places that the first place and its complete copy have replaced. */
  async #removeOld(first: DatabaseConnection, copyPlace: number | undefined): Promise<void> {
    const inUse = await this.#places.inUse();
    const { others, copy } = inUse;
    if (copy !== copyPlace && copy !== copyBesideBuckets) return;
    const older: number[] = others.filter((other) => other !== copyPlace);
    // Left by buckets that are gone or abandoned.
    const isBeside = copyPlace === copyBesideBuckets;
    if (!isBeside && (await this.#places.hasCopyBesideBuckets())) older.push(copyBesideBuckets);
    const machines = await machinesOf(first);
    await this.#moves.removeAll(older, machines);
    await this.#moves.removeOutlived(inUse, machines, (place) => hasFlag('retired', place));
  }

  /** Deletes all places but the first. */
  async #discardCopies(first: number): Promise<void> {
    const inUse = await this.#places.inUse();
    if (inUse.first !== first) return;
    const places = [...inUse.others];
    if (inUse.copy !== undefined && inUse.copy > 0) places.push(inUse.copy);
    if (await this.#places.hasCopyBesideBuckets()) places.push(copyBesideBuckets);
    for (const place of places) {
      await this.#places.remove(place);
      await this.#failed.delete(place);
    }
  }

  #connect(place: number): DatabaseConnection {
    return this.#connections.first(place, async () => this.#copy?.secure());
  }

  /** @param make true to choose a new place if there is none that can be written */
  async #copyPlace(place: number, make: boolean): Promise<number | undefined> {
    const { first: now, copy, next } = await this.#places.inUse();
    if (now !== place) return undefined;
    const isBeside = copy === copyBesideBuckets;
    const isThere = !isBeside || (await this.#places.hasCopyBesideBuckets());
    if (!make) return isThere ? copy : undefined;
    const mayBe = copy !== undefined && !(await this.#connections.isFailed(copy));
    if (mayBe && isThere) return copy;
    return mayBe ? copy : this.#connections.unused(next);
  }
}
