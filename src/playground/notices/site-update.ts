/**
 * A new deployment under an open page: files that the page has not fetched yet may be gone. Small parts
 * are fetched in advance (see preloaded-parts.ts). A missing large one is reported as `site-updated`.
 */
import { buildId } from 'virtual:holdfast-build';
import { HoldfastError, type HoldfastErrorCode } from '../../errors.ts';

/** Codes of errors that a missing file causes. */
const missing: readonly HoldfastErrorCode[] = [
  'part-unavailable',
  'runtime-unavailable',
  'keeper-unavailable',
];

/** Converts a thrown value to an error for the user: `site-updated` if an update explains it. */
export async function explained(thrown: unknown, what: string): Promise<HoldfastError> {
  const error = HoldfastError.from(thrown, 'internal', what);
  if (!missing.includes(error.code) || !(await isUpdated())) return error;
  const message = `This site was updated. Reload the page: the guest keeps running. ${error.message}`;
  return new HoldfastError('site-updated', message, { cause: thrown });
}

/** Whether the site serves another build than this page's. */
async function isUpdated(): Promise<boolean> {
  const { buildId: served } = await servedBuild();
  return typeof served === 'string' && served !== buildId;
}

/** The build that the site serves now; empty if it does not answer. */
export async function servedBuild(): Promise<{ buildId?: unknown; keeperBuild?: unknown }> {
  try {
    const response = await fetch(new URL('build.json', document.baseURI), { cache: 'no-store' });
    return Object(await response.json());
  } catch {
    // Without an answer, no update is known.
    return {};
  }
}
