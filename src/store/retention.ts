/** Selects records to delete. Pure functions: the transactions are elsewhere. */
import { openerOf } from './record-ids.ts';

type Ids = Iterable<number>;

/** Returns the ids in `candidates` that are in no list of `kept`, ascending. */
export function withoutKept(candidates: Ids, kept: Iterable<Ids>): number[] {
  const unneeded = new Set(candidates);
  for (const list of kept) for (const id of list) unneeded.delete(id);
  return [...unneeded].sort((a, b) => a - b);
}

/**
 * Returns the ids of all `stored` records without a reference. Records of a machine's present
 * opener may become part of a generation: they stay until the machine is opened the next time.
 */
export function unreferenced(
  stored: Ids,
  kept: Iterable<Ids>,
  presentOpeners: Iterable<number>,
): number[] {
  const present = new Set(presentOpeners);
  return withoutKept(stored, kept).filter((id) => !present.has(openerOf(id)));
}
