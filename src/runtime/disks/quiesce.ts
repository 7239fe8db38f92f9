/** Waits for a moment at which the guest can be saved. */
import { HoldfastError } from '../../errors.ts';

/** Below the keeper's limit of ten seconds for a stop. */
const limitMs = 5000;

/**
 * Waits for a rebooting guest. It is between two lives and stopped until it has its boot images.
 * Disk reads need no wait: a state holds them.
 * @param waiting absent without such a wait; never rejects
 * @throws HoldfastError `blocked` if the wait takes too long
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
