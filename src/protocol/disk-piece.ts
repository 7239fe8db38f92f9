/**
 * How what a guest wrote to a disk stands in kept pieces, and so in checkpoints: every runtime, and
 * whoever exports a disk, reads it the same.
 *
 * A piece is a block, index times {@link blockBytes} from the disk's start. One with an extra byte at
 * its end is a block of which only some sectors were written, that byte's bits say which.
 */
import type { DriveName } from './config.ts';

/** The unit of the overlay and of what a checkpoint stores: a page of the guest's file systems. */
export const blockBytes = 4096;
export const sectorBytes = 512;
export const wholeBlock = 0xff;

/** Name of the pieces of a disk; a medium that can be changed adds what tells it from others. */
export const diskPieces = (device: DriveName): string => `disk.${device}`;

/** The sectors of a piece that were written, a bit each. */
export function writtenSectors(piece: Uint8Array | undefined): number {
  if (!piece) return 0;
  return piece.length === blockBytes ? wholeBlock : (piece[blockBytes] ?? 0);
}
