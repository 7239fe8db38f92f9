/**
 * How much of a site's storage the machines of others may take, see `MachineConfig.foreign`: shares of what
 * there would be without them. Chromium says that the quota is 10 GiB more than is used, whatever it is: so
 * what they use must not add to it.
 */

const shares = {
  /** Share of the storage for one machine. */
  one: 1 / 8,
  /** Share of the storage for all of them. */
  together: 1 / 4,
  /** They are written only while so much is unused. */
  free: 1 / 4,
} as const;

/** Where the browser does not say, as on origins that are not secure. */
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

/** What a machine of somebody else's may store beside what is there. @param ownBytes of {@link togetherBytes} its own */
export function foreignFreeBytes(usage: Usage, togetherBytes: number, ownBytes: number): number {
  const { usedBytes, quotaBytes } = usage;
  const basis = basisOf(quotaBytes, togetherBytes);
  // Each byte that is stored makes less of what there is without it.
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
