/** What the guest boots from: fetched once, kept by the keeper, put back on every reset. */
import { CprError } from '../errors.ts';
import type { PrepareRequest, RuntimeHost } from '../protocol/abi.ts';
import { sourceName } from '../protocol/config.ts';
import { download } from './download.ts';
import type { Range } from './page-ops.ts';

export const imageNames = ['bios', 'vgaBios', 'bzImage', 'initrd', 'multiboot'] as const;

type ImageName = (typeof imageNames)[number];

export type BootImages = Partial<Record<ImageName, Uint8Array<ArrayBuffer>>>;

const keptAs = (name: ImageName) => `image.${name}`;

/** Where v86 loads a Linux kernel (its `load_kernel`): setup and command line, kernel, initrd. */
const linux = { setup: 0x80000, setupEnd: 0xa0000, kernel: 0x100000, initrd: 0x4000000 } as const;

/** Guest-physical ranges that a machine's firmware and kernel take up before the first instruction. */
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
 * The images that the machine's devices are made with. A guest that comes from elsewhere has its own
 * copies in RAM, and needs none before it boots again; but v86's Multiboot loader holds its images
 * for ever.
 */
export function imagesOfDevices(
  { config }: RuntimeHost,
  { coldBoot, incoming }: Pick<PrepareRequest, 'coldBoot' | 'incoming'>,
): readonly ImageName[] {
  if (config.multiboot || (coldBoot && !incoming)) return imageNames;
  return incoming ? [] : firmwareNames;
}

/** @throws CprError `image-unavailable`, or `bad-config` for a kernel that does not fit the machine */
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
  const { bzImage, initrd, bios, multiboot } = images;
  const bad = (file: string, why: string) =>
    new CprError('image-unavailable', `${file} ${why}. Check the file and its URL.`);
  // The reset vector is a far jump; every PC firmware ends with one.
  if (bios && (bios.length % 4096 || bios[bios.length - 16] !== 0xea))
    throw bad(sourceName(host.config.bios), 'is not a PC firmware image');
  if (bzImage) {
    const header = new TextDecoder('latin1').decode(bzImage.subarray(0x202, 0x206));
    if (header !== 'HdrS')
      throw bad(
        host.config.bzImage ? sourceName(host.config.bzImage) : '',
        'is not a Linux kernel (bzImage)',
      );
  }
  if (multiboot && !isMultiboot(multiboot))
    throw bad(
      host.config.multiboot ? sourceName(host.config.multiboot) : '',
      'is not a Multiboot kernel: it has no header of version 1 in its first 8 KiB',
    );
  const ramBytes = host.config.memoryMiB * 1024 * 1024;
  const last = bootRanges(images).at(-1);
  if (last && last.end > ramBytes)
    throw new CprError(
      'bad-config',
      `The guest's kernel and initrd end at ${Math.ceil(last.end / 1048576)} MiB, which does not fit ${host.config.memoryMiB} MiB of RAM${initrd ? ' (v86 puts the initrd at 64 MiB)' : ''}. Give it more memory.`,
    );
}

/** Multiboot Specification 0.6.96, section 3.1.1: magic, flags, and what makes their sum 0. */
function isMultiboot(image: Uint8Array): boolean {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let at = 0; at + 12 <= Math.min(image.length, 8192); at += 4) {
    if (view.getUint32(at, true) !== 0x1bad_b002) continue;
    const sum = 0x1bad_b002 + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum % 2 ** 32 === 0) return true;
  }
  return false;
}
