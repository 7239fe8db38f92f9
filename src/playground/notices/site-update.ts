/**
 * A new deployment under an open page: files that the page has not fetched yet may be gone. What is
 * small is there before (see preloaded-parts.ts); the rest is told as what it is.
 */
import { buildId } from 'virtual:holdfast-build';
import { HoldfastError, type HoldfastErrorCode } from '../../errors.ts';

/** Codes of errors that a missing file causes. */
const missing: readonly HoldfastErrorCode[] = [
  'part-unavailable',
  'runtime-unavailable',
  'keeper-unavailable',
];

/** Anything thrown, as what the user is told: `site-updated` where that explains it. */
export async function explained(thrown: unknown, what: string): Promise<HoldfastError> {
  const error = HoldfastError.from(thrown, 'internal', what);
  if (!missing.includes(error.code) || !(await isUpdated())) return error;
  const message = `This site was updated. Reload the page: the guest keeps running. ${error.message}`;
  return new HoldfastError('site-updated', message, { cause: thrown });
}

/** Whether the site serves another build than the one that this page is of. */
async function isUpdated(): Promise<boolean> {
  try {
    const response = await fetch(new URL('build.json', document.baseURI), { cache: 'no-store' });
    const served = (await response.json()) as { buildId?: unknown };
    return typeof served.buildId === 'string' && served.buildId !== buildId;
  } catch {
    // Nothing is known then.
    return false;
  }
}
