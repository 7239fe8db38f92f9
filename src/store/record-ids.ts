/**
 * Record ids. Each opening of a machine gets a new number, and with it a range of ids of its own. So no
 * id is used twice, and the ids of one writer are contiguous. The records of a dead writer are found by
 * its range.
 */

/** At a thousand records a second, 12 days. The store may be opened 2^23 times. */
const recordsPerOpener = 2 ** 30;

export interface IdRange {
  first: number;
  /** Inclusive. */
  last: number;
}

/** @param opener counts from 1 */
export function idsOf(opener: number): IdRange {
  const first = opener * recordsPerOpener;
  return { first, last: first + recordsPerOpener - 1 };
}

export const openerOf = (id: number): number => Math.floor(id / recordsPerOpener);

/** Splits ids, kept in their order, into runs of consecutive ones. */
export function runsOf(ids: Iterable<number>): IdRange[] {
  const runs: IdRange[] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    if (run && id === run.last + 1) run.last = id;
    else runs.push({ first: id, last: id });
  }
  return runs;
}
