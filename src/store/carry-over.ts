/** Fills a new place with what old ones have, see docs/spec/storage.md [F3]. */

import { machinesOf } from './copy.ts';
import { copyEntries } from './copy-entries.ts';
import type { DatabaseConnection } from './database-connection.ts';
import type { Digest } from './digest.ts';
import { copyMachine, newestWhole } from './replicate.ts';
import type { MachineRow } from './schema.ts';

/**
 * Copies the newest readable state of each machine.
 * @returns places with contents that could not be read
 * @throws if the target cannot be written
 */
export async function carryOver(
  sources: readonly number[],
  target: DatabaseConnection,
  open: (place: number) => DatabaseConnection,
  digest: Digest,
): Promise<Set<number>> {
  const found: { place: number; from: DatabaseConnection; row: MachineRow }[] = [];
  const left = new Set<number>();
  const opened: DatabaseConnection[] = [];
  for (const place of sources) {
    const from = open(place);
    opened.push(from);
    try {
      for (const row of await machinesOf(from)) found.push({ place, from, row });
      await copyEntries(from, target);
    } catch (thrown) {
      requireWell(target, thrown);
      left.add(place);
      console.info(`Place ${place} of what is stored cannot be read:`, thrown);
    }
  }
  // A place with the newest row may have lost its data.
  const whole: { from: DatabaseConnection; row: MachineRow; takenAtMs: number }[] = [];
  for (const { from, row } of found) {
    const newest = await newestWhole(from, digest, row.id).catch(() => undefined);
    if (newest) whole.push({ from, row, takenAtMs: newest.row.takenAtMs });
  }
  whole.sort((a, b) => b.takenAtMs - a.takenAtMs);
  const carried = new Map<string, number>();
  for (const { from, row, takenAtMs } of whole) {
    if (carried.has(row.id)) continue;
    try {
      if (await copyMachine(from, target, digest, row.id)) carried.set(row.id, takenAtMs);
    } catch (thrown) {
      requireWell(target, thrown);
      console.info(`“${row.name}” cannot be read in one place:`, thrown);
    }
  }
  for (const connection of opened) connection.close();
  for (const { place, row } of found)
    if (row.generation !== undefined && (carried.get(row.id) ?? 0) < (row.takenAtMs ?? 0))
      left.add(place);
  return left;
}

/** Throws if the target has failed. An unreadable source is tolerated. */
function requireWell(target: DatabaseConnection, thrown: unknown): void {
  if (target.hasFailed) throw thrown;
}
