/** Checks that a disk is the one that a state was taken with. */
import { HoldfastError } from '../../errors.ts';
import type { DiskIdentity } from '../../protocol/cpr.ts';

/**
 * @param wanted the disks that the state was taken with
 * @param present the disks that the machine has
 * @throws HoldfastError `wrong-disk` with the names of both
 */
export function checkDisks(
  wanted: readonly DiskIdentity[],
  present: readonly DiskIdentity[],
): void {
  const devices = new Set([...wanted, ...present].map(({ device }) => device));
  for (const device of devices) {
    const was = wanted.find((disk) => disk.device === device);
    const is = present.find((disk) => disk.device === device);
    if (was && is && isSame(was, is)) continue;
    throw new HoldfastError(
      'wrong-disk',
      `The state was taken with ${describe(device, was)}, and the machine has ${describe(device, is)}. Give it the disk that it was taken with.`,
    );
  }
}

function isSame(a: DiskIdentity, b: DiskIdentity): boolean {
  if (a.sizeBytes !== b.sizeBytes || a.generation !== b.generation) return false;
  // Disks with the same bytes are the same, from any source.
  if (a.baseDigest !== undefined || b.baseDigest !== undefined)
    return a.baseDigest === b.baseDigest;
  return a.base === b.base;
}

function describe(device: string, disk: DiskIdentity | undefined): string {
  if (!disk) return `nothing in ${device}`;
  const { base, sizeBytes, baseDigest, generation } = disk;
  const digest = baseDigest === undefined ? '' : `, ${baseDigest}`;
  return `${device} = ${base} (${sizeBytes} bytes${digest}, ${generation} writes)`;
}
