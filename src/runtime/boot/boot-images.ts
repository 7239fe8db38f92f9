/** Images that the guest boots from: fetched once, kept by the keeper, restored at every reset. */
import { HoldfastError } from '../../errors.ts';
import type { PrepareRequest, RuntimeHost } from '../../protocol/abi.ts';
import { sourceName } from '../../protocol/images.ts';
import type { Range } from '../core/page-ops.ts';
import { download } from '../disks/download.ts';
import { checkKinds } from './image-checks.ts';
import { type BootImages, type ImageName, imageNames } from './image-names.ts';

const keptAs = (name: ImageName) => `image.${name}`;

/**
 * Addresses at which v86 loads a Linux kernel (its `load_kernel`): setup and command line, kernel,
 * initrd.
 */
const linux = { setup: 0x80000, setupEnd: 0xa0000, kernel: 0x100000, initrd: 0x4000000 } as const;

/**
 * Returns the guest-physical ranges that a machine's firmware and kernel occupy before the first
 * instruction.
 */
export function bootRanges(images: BootImages): Range[] {
  const ranges: Range[] = [{ start: 0xc0000, end: 0x100000 }];
  if (!images.bzImage) return ranges;
  ranges.push({ start: linux.setup, end: linux.setupEnd });
  ranges.push({ start: linux.kernel, end: linux.kernel + images.bzImage.length });
  if (images.initrd) ranges.push({ start: linux.initrd, end: linux.initrd + images.initrd.length });
  return ranges;
}

export const firmwareNames: readonly ImageName[] = ['bios', 'vgaBios'];

/**
 * Returns the names of the images for the machine's devices. A guest from elsewhere has its own
 * copies in RAM, and needs none before it boots again. But v86's Multiboot loader needs its images
 * for ever.
 */
export function imagesOfDevices(
  { config }: RuntimeHost,
  { coldBoot, incoming }: Pick<PrepareRequest, 'coldBoot' | 'incoming'>,
): readonly ImageName[] {
  if (config.multiboot || (coldBoot && !incoming)) return imageNames;
  return incoming ? [] : firmwareNames;
}

/** @throws HoldfastError `image-unavailable`, or `bad-config` for a kernel that does not fit the machine */
export async function loadImages(
  host: RuntimeHost,
  names: readonly ImageName[],
  signal?: AbortSignal,
): Promise<BootImages> {
  const images: BootImages = {};
  await Promise.all(
    names.map(async (name) => {
      const source = host.config[name];
      if (!source) return;
      let bytes = host.kept.get(keptAs(name)) as Uint8Array<ArrayBuffer> | undefined;
      if (!bytes) {
        bytes = 'bytes' in source ? source.bytes : await download(source, host, signal);
        host.kept.set(keptAs(name), bytes);
      }
      images[name] = bytes;
    }),
  );
  checkImages(host, images);
  return images;
}

function checkImages(host: RuntimeHost, images: BootImages): void {
  checkKinds(images, (name) => {
    const source = host.config[name];
    return source && 'url' in source ? sourceName(source) : `The image given as ${name}`;
  });
  const ramBytes = host.config.memoryMiB * 1024 * 1024;
  const last = bootRanges(images).at(-1);
  if (last && last.end > ramBytes)
    throw new HoldfastError(
      'bad-config',
      `The guest's kernel and initrd end at ${Math.ceil(last.end / 1048576)} MiB, which does not fit ${host.config.memoryMiB} MiB of RAM${images.initrd ? ' (v86 puts the initrd at 64 MiB)' : ''}. Give it more memory.`,
    );
}
