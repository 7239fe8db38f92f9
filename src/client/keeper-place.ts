import { HoldfastError } from '../errors.ts';
import { askWhere, type KeeperPlace } from '../protocol/keeper-lookup.ts';
import type { KeeperWorker } from './keeper-worker.ts';

/**
 * Asks a keeper of this release or a newer one where the machine is.
 * @throws HoldfastError `keeper-unavailable`, `keeper-silent`
 */
export async function placeOf(worker: KeeperWorker, silenceMs: number): Promise<KeeperPlace> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    const message =
      'A keeper does not answer. Its guest may still run: reload the page to try again.';
    timer = setTimeout(() => reject(new HoldfastError('keeper-silent', message)), silenceMs);
  });
  try {
    return await Promise.race([askWhere(worker.port), worker.failed, silent]);
  } finally {
    clearTimeout(timer);
  }
}
