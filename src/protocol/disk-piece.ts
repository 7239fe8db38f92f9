/**
 * Format of the guest's disk writes in versioned pieces, and so in checkpoints. Every runtime and every
 * disk export reads it.
 *
 * A piece is one block, at index times {@link blockBytes} from the disk's start. A piece with an extra
 * byte at its end is a block with some sectors written. The bits of that byte mark them.
 */
import type { DriveName } from './config.ts';

/** The unit of the overlay and of checkpoints: a page of the guest's file systems. */
export const blockBytes = 4096;
export const sectorBytes = 512;
export const wholeBlock = 0xff;

/** Returns the name of a disk's pieces. A removable medium appends a suffix that identifies it. */
export const diskPieces = (device: DriveName): string => `disk.${device}`;

/** Returns the sectors of a piece that were written, one bit each. */
export function writtenSectors(piece: Uint8Array | undefined): number {
  if (!piece) return 0;
  return piece.length === blockBytes ? wholeBlock : (piece[blockBytes] ?? 0);
}
