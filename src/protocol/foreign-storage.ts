/**
 * How much of a site's storage the machines of others may take, see `MachineConfig.foreign`. Half of it is
 * always left to machines of the user's own.
 */

/**
 * Shares of the origin's quota. What is stored in two places (src/store/DURABILITY.md, F4) takes twice as
 * much of it as the sizes say.
 */
export const foreignShares = {
  /** Of one machine. */
  one: 1 / 8,
  /** Of all of them. */
  together: 1 / 4,
  /** They are written only while so much is unused. */
  free: 1 / 4,
} as const;

/** Where the browser does not say, as on origins that are not secure. */
const assumedQuotaBytes = 16 * 2 ** 30;

/** @param quotaBytes of `StorageUsage` */
export const foreignQuota = (quotaBytes: number): number =>
  Number.isFinite(quotaBytes) ? quotaBytes : assumedQuotaBytes;

/** Of one machine. */
export const foreignLimitBytes = (quotaBytes: number): number =>
  foreignQuota(quotaBytes) * foreignShares.one;
