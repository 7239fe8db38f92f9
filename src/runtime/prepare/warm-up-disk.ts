/** The boot floppy of the throwaway guest in warm-up.ts. */
import { Disk } from '../disks/disk.ts';
import { BytesBase } from '../disks/disk-base.ts';
import { DriveBuffer } from '../disks/drive-buffer.ts';
import { InFlight } from '../disks/in-flight.ts';
import { Overlay } from '../disks/overlay.ts';
import { mapPieces } from '../disks/pieces.ts';
import { warmUpImage } from './warm-up-image.ts';

/** A 160 KiB floppy, the smallest of v86's formats. */
const diskBytes = 160 * 1024;

export function warmUpDisk(): DriveBuffer {
  const image = new Uint8Array(diskBytes);
  image.set(Uint8Array.from(atob(warmUpImage), (char) => char.charCodeAt(0)));
  const buffer = new DriveBuffer({
    device: 'fda',
    inFlight: new InFlight(),
    waits: { begin: () => undefined, end: () => undefined },
    wake: () => undefined,
    failed: () => undefined,
  });
  buffer.insert(new Disk(new BytesBase(image), new Overlay(mapPieces(new Map(), 'warm-up'))));
  return buffer;
}
