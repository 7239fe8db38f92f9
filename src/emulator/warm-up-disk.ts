/** The boot floppy of the throwaway guest in warm-up.ts. */
import { warmUpImage } from './warm-up-image.ts';

/** A 160 KiB floppy, the smallest that v86 knows. */
const diskBytes = 160 * 1024;

export function warmUpDisk(): Uint8Array<ArrayBuffer> {
  const disk = new Uint8Array(diskBytes);
  disk.set(Uint8Array.from(atob(warmUpImage), (char) => char.charCodeAt(0)));
  return disk;
}
