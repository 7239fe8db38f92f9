import { HoldfastError } from '../errors.ts';
import { movedVersion } from './schema.ts';

/** Returns true if `thrown` is a DOMException with one of these names. */
export function hasName(thrown: unknown, ...names: string[]): boolean {
  return thrown instanceof Error && names.includes(thrown.name);
}

/** Chromium's messages for a refused write. Readers get them too: all connections are closed. */
const diskFailure =
  /IO ?error|failed to write|no[_ ]?space|full disk|opening backing store|creating a bucket/i;

/** Returns true if the disk refused a write, so that the browser's last writes may be torn. */
export function isDiskFailure(thrown: unknown): boolean {
  return (
    hasName(thrown, 'DataError', 'UnknownError', 'AbortError', 'QuotaExceededError') &&
    diskFailure.test(messageOf(thrown))
  );
}

/**
 * Returns an error of IndexedDB with one of our codes. A HoldfastError is returned unchanged.
 * @param doing completes "The browser refused to …"
 * @param access an unreadable value is damaged; a failed write damages nothing
 */
export function storageError(
  thrown: unknown,
  doing: string,
  access: 'read' | 'write' = 'read',
): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const fail = (code: HoldfastError['code'], message: string) =>
    new HoldfastError(code, message, { cause: thrown });
  const name = thrown instanceof Error ? thrown.name : '';
  const isUnreadable = name === 'NotReadableError' || name === 'DataError';
  if (isDiskFailure(thrown) || (access === 'write' && isUnreadable)) {
    return fail(
      'storage-failing',
      `The browser could not ${doing}: the disk is full or fails (${messageOf(thrown)}). What was stored before is left as it is.`,
    );
  }
  switch (name) {
    case 'QuotaExceededError':
      return fail(
        'storage-full',
        `The browser has no room left to ${doing}. Delete machines or saved states, or free disk space.`,
      );
    case 'VersionError':
      if (messageOf(thrown).includes(String(movedVersion))) return new MovedAway(thrown);
      return fail(
        'storage-newer',
        'A newer version of this page has converted the stored machines. Reload this page to use them.',
      );
    case 'ReferenceError':
      return fail('storage-unavailable', `There is no storage here to ${doing} (no IndexedDB).`);
    case 'NotReadableError':
    case 'DataError':
      return fail(
        'storage-damaged',
        `The browser could not ${doing}: it lost part of what it stored (${messageOf(thrown)}).`,
      );
    case 'NotFoundError':
      return fail(
        'storage-damaged',
        'The database of stored machines lacks parts that belong to it. Clear this site’s data to begin anew.',
      );
    case 'AbortError':
    case 'InvalidStateError':
    case 'NotAllowedError':
    case 'SecurityError':
    case 'TimeoutError':
    case 'UnknownError':
      return fail(
        'storage-unavailable',
        `The browser refused to ${doing} (${messageOf(thrown)}). Private browsing, blocked site data and a full disk do this.`,
      );
    default:
      return HoldfastError.from(thrown, 'internal', `Could not ${doing}`);
  }
}

/** Another worker has moved the data, or its place is gone. */
export class MovedAway extends HoldfastError {
  constructor(cause: unknown) {
    super(
      'storage-blocked',
      'What was stored here is in another place now. It is looked for there by itself.',
      { cause },
    );
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}
