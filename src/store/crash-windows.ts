/**
 * The store is always one transaction away from its next durable state. A process may die before
 * that transaction has written anything, when it has written all and not committed, or when it has
 * committed and nobody knows yet. Each of these points has a name, so that tests can die there.
 */

/** Every transaction that writes, by name. */
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

/** The same of those that write a second copy, or carry over to another place. */
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
 * Called synchronously at each crash window. What it throws ends the operation there: a transaction
 * that has not committed is undone.
 */
export type WindowHook = (window: CrashWindow) => void;
