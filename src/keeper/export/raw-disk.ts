/** A disk as a raw image: its base, overlaid with the guest's writes. */
import { blockBytes, sectorBytes, wholeBlock, writtenSectors } from '../../protocol/disk-piece.ts';
import { zeros } from './zeros.ts';

/**
 * @param base may be shorter than the disk: beyond its end the disk holds zeros
 * @param pieces the guest's writes, by block
 */
export function rawDisk(
  base: Blob,
  sizeBytes: number,
  pieces: ReadonlyMap<number, Uint8Array>,
): Blob {
  const parts: BlobPart[] = [];
  let at = 0;
  const underneath = (until: number) => {
    const inBase = Math.min(until, base.size);
    if (at < inBase) {
      parts.push(base.slice(at, inBase));
      at = inBase;
    }
    if (at < until) parts.push(zeros(until - at));
    at = until;
  };
  const write = (start: number, bytes: Uint8Array) => {
    const length = Math.min(bytes.length, sizeBytes - start);
    if (length <= 0) return;
    underneath(start);
    parts.push(bytes.subarray(0, length) as Uint8Array<ArrayBuffer>);
    at = start + length;
  };
  for (const [index, piece] of [...pieces].sort(([a], [b]) => a - b)) {
    const start = index * blockBytes;
    const written = writtenSectors(piece);
    if (written === wholeBlock) {
      write(start, piece.subarray(0, blockBytes));
      continue;
    }
    for (let offset = 0; offset < blockBytes; offset += sectorBytes) {
      if (written & (1 << (offset / sectorBytes)))
        write(start + offset, piece.subarray(offset, offset + sectorBytes));
    }
  }
  underneath(sizeBytes);
  return new Blob(parts, { type: 'application/octet-stream' });
}

/** Returns the end of the last written block: the disk has at least this size. */
export function endOf(pieces: ReadonlyMap<number, Uint8Array>): number {
  let last = -1;
  for (const index of pieces.keys()) last = Math.max(last, index);
  return (last + 1) * blockBytes;
}
