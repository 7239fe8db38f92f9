/**
 * Names of the points at which tests can end the process. The store is always one transaction away
 * from its next durable state. A process may die before that transaction has written anything, or
 * after all writes but before the commit. It may also die after the commit, before any code knows
 * of it.
 */

/** All transactions that write, by name. */
export const writeNames = [
  'upgrade',
  'open',
  'put-records',
  'publish',
  'drop-newest',
  'abandon',
  'rename',
  'duplicate',
  'remove',
  'put-entry',
  'delete-entry',
] as const;

/** Transactions that write a second copy, or copy to another place. */
export const copyWriteNames = [
  'copy-records',
  'copy-generation',
  'copy-remove',
  'copy-entry',
] as const;

export type WriteName = (typeof writeNames)[number] | (typeof copyWriteNames)[number];

export const writeStages = ['begun', 'written', 'committed'] as const;

export type CrashWindow = `${WriteName}:${(typeof writeStages)[number]}`;

/**
 * Called synchronously at each crash window. An error that it throws ends the operation there: an
 * uncommitted transaction is undone.
 */
export type WindowHook = (window: CrashWindow) => void;
