/** Which records may go. Pure: the transactions that ask stand elsewhere. */
import { openerOf } from './record-ids.ts';

type Ids = Iterable<number>;

/** Ids in `candidates` that no list of `kept` has, ascending. */
export function withoutKept(candidates: Ids, kept: Iterable<Ids>): number[] {
  const unneeded = new Set(candidates);
  for (const list of kept) for (const id of list) unneeded.delete(id);
  return [...unneeded].sort((a, b) => a - b);
}

/**
 * Ids of all `stored` records that nothing refers to. What a machine's present opener has put may
 * be on its way into a generation: it stays, and goes when the machine is opened the next time.
 */
export function unreferenced(
  stored: Ids,
  kept: Iterable<Ids>,
  presentOpeners: Iterable<number>,
): number[] {
  const present = new Set(presentOpeners);
  return withoutKept(stored, kept).filter((id) => !present.has(openerOf(id)));
}
