import { HoldfastError } from '../errors.ts';
import { askWhere, type KeeperPlace } from '../protocol/keeper-lookup.ts';
import type { KeeperWorker } from './keeper-worker.ts';

/** No other keeper takes the machine of one that hangs. It may recover, and the guest would have two lives. */
export const isSilent = () =>
  new HoldfastError(
    'keeper-silent',
    'The keeper that has the machine does not answer. It may be busy or hang, and keeps its guest. Wait, then reload. If that does not help, save what other pages hold, and quit the browser: that ends the keeper. A durable guest then resumes from its last checkpoint.',
  );

/** A worker that has never answered has no guest. Chromium does not report every broken script. */
export const didNotStart = () =>
  new HoldfastError(
    'keeper-unavailable',
    'The keeper that the site serves did not start. Reload the page, then try again.',
  );

/**
 * Asks a keeper of this release or a newer one where the machine is.
 * @param silent returns the error for a keeper that does not answer within `silenceMs`
 * @throws HoldfastError `keeper-unavailable`, `keeper-silent`
 */
export async function placeOf(
  worker: KeeperWorker,
  silenceMs: number,
  silent: () => HoldfastError = isSilent,
): Promise<KeeperPlace> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent()), silenceMs);
  });
  try {
    return await Promise.race([askWhere(worker.port), worker.failed, late]);
  } finally {
    clearTimeout(timer);
  }
}
