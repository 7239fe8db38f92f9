/** Refuses boot images of the wrong kind. */
import { HoldfastError } from '../../errors.ts';
import { isLinuxKernel, isWebPage, itIs } from '../disks/image-kind.ts';
import type { BootImages } from './image-names.ts';

const kib = 1024;
/** v86 ends its firmware at 1 MiB; a PC has no room for more below that. */
const mostBiosBytes = 512 * kib;

/**
 * @param nameOf returns the image's name for people
 * @throws HoldfastError `image-unavailable` with the file's defect
 */
export function checkKinds(images: BootImages, nameOf: (name: keyof BootImages) => string): void {
  for (const [key, image] of Object.entries(images)) {
    const name = key as keyof BootImages;
    const why = image.length === 0 ? 'is empty' : wrong[name](image);
    if (why === undefined) continue;
    throw new HoldfastError(
      'image-unavailable',
      `${nameOf(name)} ${why}. Check the file and its URL.`,
    );
  }
}

/** Each returns the defect, or undefined. */
const wrong: Record<keyof BootImages, (image: Uint8Array) => string | undefined> = {
  bios(image) {
    if (image.length > mostBiosBytes && !isWebPage(image))
      return `is not a PC BIOS: it has ${Math.ceil(image.length / kib)} KiB, and a PC BIOS at most 512. UEFI firmware does not run on this PC`;
    // The reset vector is a far jump; every PC BIOS ends with one.
    if (image.length % 4096 === 0 && image[image.length - 16] === 0xea) return undefined;
    return `is not a PC firmware image (BIOS)${itIs(image)}`;
  },

  // Magic of an option ROM, Plug and Play BIOS Specification 1.0A, section 3.1.
  vgaBios: (image) =>
    image[0] === 0x55 && image[1] === 0xaa ? undefined : `is not a VGA BIOS${itIs(image)}`,

  bzImage: (image) =>
    isLinuxKernel(image) ? undefined : `is not a Linux kernel (bzImage)${itIs(image)}`,

  // Many kinds of archives and file systems are valid.
  initrd: (image) =>
    isWebPage(image) || isLinuxKernel(image)
      ? `is not an initial RAM disk${itIs(image)}`
      : undefined,

  multiboot: (image) =>
    isMultiboot(image)
      ? undefined
      : `is not a Multiboot kernel: it has no header of version 1 in its first 8 KiB${itIs(image).replace(':', ';')}`,
};

/**
 * Multiboot Specification 0.6.96, section 3.1.1: magic, flags, and the number that makes their sum
 * 0.
 */
function isMultiboot(image: Uint8Array): boolean {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let at = 0; at + 12 <= Math.min(image.length, 8192); at += 4) {
    if (view.getUint32(at, true) !== 0x1bad_b002) continue;
    const sum = 0x1bad_b002 + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum % 2 ** 32 === 0) return true;
  }
  return false;
}
