/**
 * Parts of the page that few visitors use, each a file of its own. They are fetched before they are used,
 * because a new deployment deletes them.
 */

import { cacheStateWorker } from '../../client/state-files.ts';
import { HoldfastError } from '../../errors.ts';
import { codecPart } from '../../state-file/v86-state.ts';

/** Not while the guest and its page start. */
const restMs = 5_000;

const parts = {
  upload: () => import('tus-js-client'),
  zstd: () => import('fzstd'),
  qr: () => import('uqr'),
  send: () => import('../../client/send/send-machine.ts'),
  receive: () => import('../../client/send/receive-machine.ts'),
};

/** @throws HoldfastError `part-unavailable` */
export async function part<N extends keyof typeof parts>(
  name: N,
): Promise<Awaited<ReturnType<(typeof parts)[N]>>> {
  try {
    return (await parts[name]()) as Awaited<ReturnType<(typeof parts)[N]>>;
  } catch (cause) {
    throw new HoldfastError(
      'part-unavailable',
      `The part "${name}" of this page could not be loaded.`,
      {
        cause,
      },
    );
  }
}

export function preloadParts(): void {
  setTimeout(async () => {
    // A failed part is reported when it is used.
    await Promise.allSettled([
      ...(Object.keys(parts) as (keyof typeof parts)[]).map((name) => part(name)),
      codecPart(),
      cacheStateWorker(),
    ]);
    document.documentElement.dataset.parts = 'there';
  }, restMs);
}
