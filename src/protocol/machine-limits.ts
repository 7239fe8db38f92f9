/** Limits of one guest in its keeper. */

export interface MachineLimits {
  /** Size of the 9p share, MiB. Beyond it the guest gets ENOSPC. Default 256. */
  shareMiB?: number;
  /** Bytes that the guest writes to its disks, MiB. Beyond it the guest is paused, until it is resumed. Default 4096. */
  diskMiB?: number;
}

export const usualLimits = { shareMiB: 256, diskMiB: 4096 } as const satisfies MachineLimits;
