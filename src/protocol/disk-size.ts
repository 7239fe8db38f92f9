/** How large disks can be: one place for what is checked before a machine starts and when it does. */
import { type DriveName, isFloppy } from './config.ts';

export interface DiskLimit {
  bytes: number;
  /** Completes "a disk of …". */
  words: string;
}

/** v86's IDE counts sectors of 512 bytes in 32 bits: at 2 TiB the guest would see a disk without any. */
const disk: DiskLimit = { bytes: 2 ** 41 - 512, words: 'less than 2 TiB' };
/** 2 heads, 80 tracks, 48 sectors: the largest floppy that v86 knows. */
const floppy: DiskLimit = { bytes: 2 * 80 * 48 * 512, words: 'at most 3840 KiB' };

export const diskLimit = (device: DriveName): DiskLimit => (isFloppy(device) ? floppy : disk);
