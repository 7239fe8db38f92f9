/** What one guest may take of the keeper that runs it. */

export interface MachineLimits {
  /** Of the 9p share: then the guest is told that no space is left. MiB, default 256. */
  shareMiB?: number;
  /** Of what the guest writes to its disks: then it is paused, and may go on when resumed. MiB, default 4096. */
  diskMiB?: number;
}

export const usualLimits = { shareMiB: 256, diskMiB: 4096 } as const satisfies MachineLimits;
