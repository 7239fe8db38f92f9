/**
 * Limits on a site's storage for machines that others made, see `MachineConfig.foreign`. They are
 * shares of the quota without those machines. Chromium always reports a quota of 10 GiB more than is
 * used. So the use by those machines must not raise the limit.
 */

const shares = {
  /** Share of the storage for one machine. */
  one: 1 / 8,
  /** Share of the storage for all of them. */
  together: 1 / 4,
  /** Minimum unused share: below it they are not written. */
  free: 1 / 4,
} as const;

/** Quota if the browser reports none, as on origins that are not secure. */
const assumedQuotaBytes = 16 * 2 ** 30;
/** Copies of stored data: the second is in another place, see docs/spec/storage.md [F4]. */
const copies = 2;

/** As `StorageUsage`. */
interface Usage {
  usedBytes: number;
  quotaBytes: number;
}

/** Limit of one machine. @param togetherBytes what all machines of others have in storage */
export const foreignLimitBytes = ({ quotaBytes }: Usage, togetherBytes: number): number =>
  Math.max(0, basisOf(quotaBytes, togetherBytes) * shares.one);

/**
 * Returns how much more a foreign machine may store. @param ownBytes its part of
 * {@link togetherBytes}
 */
export function foreignFreeBytes(usage: Usage, togetherBytes: number, ownBytes: number): number {
  const { usedBytes, quotaBytes } = usage;
  const basis = basisOf(quotaBytes, togetherBytes);
  // Each stored byte also reduces the quota that remains without these machines.
  const upTo = (share: number, present: number) => (basis * share - present) / (1 + copies * share);
  const unused = knownQuota(quotaBytes) * (1 - shares.free) - usedBytes;
  return Math.min(
    upTo(shares.one, ownBytes),
    upTo(shares.together, togetherBytes),
    unused / copies,
  );
}

const basisOf = (quotaBytes: number, togetherBytes: number): number =>
  knownQuota(quotaBytes) - copies * togetherBytes;

const knownQuota = (quotaBytes: number): number =>
  Number.isFinite(quotaBytes) ? quotaBytes : assumedQuotaBytes;
