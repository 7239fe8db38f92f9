/**
 * Moves everything stored to a new first place when a place failed or is empty, see docs/spec/storage.md
 * [F3].
 */
import { HoldfastError } from '../errors.ts';
import { carryOver } from './carry-over.ts';
import { machinesOf } from './copy.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import type { FailedPlaces } from './failed-places.ts';
import { copyBesideBuckets, type Places, type PlacesInUse } from './place.ts';
import type { PlaceConnections } from './place-connections.ts';
import type { MachineRow } from './schema.ts';
import { MovedAway, storageError } from './storage-error.ts';

/** The first place and its connection. */
export interface FirstPlace {
  place: number;
  connection: DatabaseConnection;
}

interface MoveOptions {
  places: Places;
  connections: PlaceConnections;
  failed: FailedPlaces;
  digest: Digest;
  /** Returns a connection to the present or future first place. */
  connect(place: number): DatabaseConnection;
}

export class Moves {
  readonly #options: MoveOptions;

  constructor(options: MoveOptions) {
    this.#options = options;
  }

  /** Returns the places that may have data that the first lacks. */
  async copiesOf(inUse: PlacesInUse): Promise<number[]> {
    const others = othersOf(inUse);
    if (others.includes(copyBesideBuckets)) return others;
    const { places } = this.#options;
    return (await places.hasCopyBesideBuckets()) ? [...others, copyBesideBuckets] : others;
  }

  /**
   * Handles a first place that is empty or cannot be opened. If that is still so and the disk
   * works, the contents of the copies become the first place.
   */
  async takeOver(failed: number, reason: HoldfastError | undefined): Promise<FirstPlace> {
    const { places, connections, connect } = this.#options;
    const inUse = await places.inUse();
    // While the disk fails, an empty copy cannot be distinguished from an unreadable one.
    await connections.probe();
    const connection = connect(inUse.first);
    let why = reason;
    let isOpen = true;
    try {
      await connection.open();
      if (inUse.first !== failed || (await machinesOf(connection)).length > 0)
        return { place: inUse.first, connection };
    } catch (thrown) {
      isOpen = false;
      why = HoldfastError.from(thrown, 'internal', 'The store cannot be opened');
    }
    const copies = await this.copiesOf(inUse);
    const moved = copies.length > 0 && (await this.#moveTo(inUse, copies, !isOpen));
    if (moved) {
      connection.close();
      return moved;
    }
    if (isOpen) return { place: inUse.first, connection };
    if (why instanceof MovedAway) return this.#begin(inUse);
    throw why;
  }

  /** Moves everything readable from a failed first place to a new one. */
  async away(failed: number): Promise<FirstPlace> {
    const { places, connections, connect } = this.#options;
    const inUse = await places.inUse();
    const { first } = inUse;
    // Another worker has moved it in between.
    if (first !== failed) {
      const connection = connect(first);
      await connection.open();
      return { place: first, connection };
    }
    await connections.probe();
    // The failed place may have had no room for this.
    await this.#options.failed.add(first);
    const moved = await this.#moveTo(inUse, [first, ...(await this.copiesOf(inUse))]);
    if (moved) return moved;
    // Nothing was stored yet, or nothing can be read: later data is still stored in a new place.
    await this.#keepAll(othersOf(inUse).concat(first));
    return this.#begin(inUse);
  }

  async #begin(inUse: PlacesInUse): Promise<FirstPlace> {
    const { places, connections, connect } = this.#options;
    const next = await connections.unused(inUse.next);
    await places.makeFirst(next);
    const connection = connect(next);
    await connection.open();
    return { place: next, connection };
  }

  /**
   * @param isUnread true if the first place cannot be opened: it is left as it is
   * @returns the new first place; undefined if no machine was found
   */
  async #moveTo(
    inUse: PlacesInUse,
    sources: readonly number[],
    isUnread = false,
  ): Promise<FirstPlace | undefined> {
    const { places, connections, digest, connect } = this.#options;
    const { first } = inUse;
    const next = await connections.unused(inUse.next);
    const target = connect(next);
    try {
      await target.open();
      const left = await carryOver(sources, target, (place) => connections.old(place), digest);
      if (isUnread) left.add(first);
      const machines = await machinesOf(target);
      if (machines.length > 0) {
        await this.#keepAll(left);
        await places.makeFirst(next);
        const old = new Set([first, ...sources.filter((place) => place > 0)]);
        const unneeded = [...old].filter((place) => !left.has(place));
        void this.removeAll(unneeded, machines);
        return { place: next, connection: target };
      }
    } catch (thrown) {
      target.close();
      await places.remove(next).catch(() => undefined);
      throw storageError(thrown, 'move what is stored to a new place', 'write');
    }
    target.close();
    await places.remove(next);
    return undefined;
  }

  async #keepAll(kept: Iterable<number>): Promise<void> {
    for (const place of kept) await this.#options.places.keep(place);
  }

  /** @param machines the machines of the first place */
  async removeAll(old: readonly number[], machines: readonly MachineRow[]): Promise<void> {
    const { places, failed } = this.#options;
    for (const place of old) {
      try {
        if (place !== 0) await places.remove(place);
        else if (!(await places.vacate((rows) => isOutlived(rows, machines)))) continue;
        await failed.delete(place);
      } catch (thrown) {
        console.info(`Place ${place} of what was stored cannot be deleted:`, thrown);
      }
    }
  }

  /**
   * Deletes replaced places once the first place has newer states of all their machines.
   * @param isRetired returns true if the place must not be opened in this life of the browser
   */
  async removeOutlived(
    { first, kept }: PlacesInUse,
    machines: readonly MachineRow[],
    isRetired: (place: number) => Promise<boolean>,
  ): Promise<void> {
    const { places, connections } = this.#options;
    const outlived: number[] = first > 0 && (await places.hasDefault()) ? [0] : [];
    for (const place of kept) {
      if (await isRetired(place)) continue;
      const connection = connections.old(place);
      try {
        if (isOutlived(await machinesOf(connection), machines)) outlived.push(place);
      } catch (thrown) {
        console.info(`Place ${place} of what was stored cannot be read yet:`, thrown);
      }
      connection.close();
    }
    await this.removeAll(outlived, machines);
  }
}

/** Returns true if each of the old machines is among `machines`, in the same or a later state. */
function isOutlived(old: readonly MachineRow[], machines: readonly MachineRow[]): boolean {
  return old.every(
    ({ id, generation, takenAtMs = 0 }) =>
      generation === undefined ||
      machines.some((machine) => machine.id === id && (machine.takenAtMs ?? 0) >= takenAtMs),
  );
}

const othersOf = ({ copy, others, first }: PlacesInUse): number[] => [
  ...(copy === undefined ? [] : [copy]),
  ...others.filter((place) => place > first),
];
