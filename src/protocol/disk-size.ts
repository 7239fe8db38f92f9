/**
 * Largest sizes of disks. The check before a machine starts and the one at its start both use them.
 */
import { type DriveName, isFloppy } from './config.ts';

export interface DiskLimit {
  bytes: number;
  /** Completes "a disk of …". */
  words: string;
}

/** v86's IDE counts sectors of 512 bytes in 32 bits: a disk of 2 TiB would have no sectors. */
const disk: DiskLimit = { bytes: 2 ** 41 - 512, words: 'less than 2 TiB' };
/** 2 heads, 80 tracks, 48 sectors: the largest floppy that v86 supports. */
const floppy: DiskLimit = { bytes: 2 * 80 * 48 * 512, words: 'at most 3840 KiB' };

export const diskLimit = (device: DriveName): DiskLimit => (isFloppy(device) ? floppy : disk);
