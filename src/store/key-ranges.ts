import type { IdRange } from './record-ids.ts';

/**
 * Returns all keys `[first, …]`: the rows of one machine, the parts of one entry. Arrays sort after
 * numbers.
 */
export const under = (first: string): IDBKeyRange => IDBKeyRange.bound([first], [first, []]);

export const idRange = ({ first, last }: IdRange): IDBKeyRange => IDBKeyRange.bound(first, last);
