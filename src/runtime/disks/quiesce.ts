/** Finding a moment at which the guest can be saved. */
import { HoldfastError } from '../../errors.ts';

/** Below the ten seconds that the keeper gives a stop. */
const limitMs = 5000;

/**
 * Reads of disks need no such moment: a state holds them. A guest that waits for what it boots from
 * is between two lives, and stands still until it has that.
 * @param waiting absent while it does not; never rejects
 * @throws HoldfastError `blocked` when it waits for too long
 */
export async function quiesce(waiting: Promise<void> | undefined, patienceMs = limitMs) {
  if (!waiting) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isLate = await Promise.race([
    waiting.then(() => false),
    new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(true), patienceMs);
    }),
  ]);
  clearTimeout(timer);
  if (isLate)
    throw new HoldfastError(
      'blocked',
      'The guest boots again, and waits for its firmware or kernel. Try again when their server can be reached.',
    );
}
