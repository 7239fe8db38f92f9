/** What the guest boots from: fetched once, kept by the keeper, put back on every reset. */
import { CprError } from '../errors.ts';
import type { PrepareRequest, RuntimeHost } from '../protocol/abi.ts';
import type { ImageSource } from '../protocol/config.ts';
import type { Range } from './page-ops.ts';

const imageNames = ['bios', 'vgaBios', 'bzImage', 'initrd', 'fda', 'cdrom', 'hda'] as const;

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

export async function loadImages(host: RuntimeHost, request: PrepareRequest): Promise<BootImages> {
  const images: BootImages = {};
  await Promise.all(
    imageNames.map(async (name) => {
      const source = host.config[name];
      if (!source) return;
      let bytes = host.kept.get(keptAs(name)) as Uint8Array<ArrayBuffer> | undefined;
      if (!bytes) {
        bytes = await download(source, host, request.signal);
        host.kept.set(keptAs(name), bytes);
      }
      images[name] = bytes;
    }),
  );
  checkImages(host, images);
  return images;
}

async function download(
  source: ImageSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const file = source.url.slice(source.url.lastIndexOf('/') + 1);
  try {
    const response = await fetch(source.url, signal ? { signal } : {});
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    if (!response.body) throw new Error('the server sent nothing');
    const encoded = response.headers.has('content-encoding');
    const length = encoded ? 0 : Number(response.headers.get('content-length') ?? 0);
    const total = length || source.sizeBytes || 0;
    const chunks: Uint8Array[] = [];
    let loaded = 0;
    host.emit({ type: 'progress', file, loaded, total, done: false });
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      loaded += value.length;
      host.emit({ type: 'progress', file, loaded, total, done: false });
    }
    if (source.sizeBytes !== undefined && loaded !== source.sizeBytes)
      throw new Error(`it has ${loaded} bytes, not ${source.sizeBytes}`);
    if (loaded === 0) throw new Error('it is empty');
    host.emit({ type: 'progress', file, loaded, total: loaded, done: true });
    const bytes = new Uint8Array(loaded);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  } catch (cause) {
    throw CprError.from(cause, 'image-unavailable', `${file} cannot be used (${source.url})`);
  }
}

function checkImages(host: RuntimeHost, images: BootImages): void {
  const { bzImage, initrd, bios } = images;
  const bad = (file: string, why: string) =>
    new CprError('image-unavailable', `${file} ${why}. Check the file and its URL.`);
  // The reset vector is a far jump; every PC firmware ends with one.
  if (bios && (bios.length % 4096 || bios[bios.length - 16] !== 0xea))
    throw bad(host.config.bios.url, 'is not a PC firmware image');
  if (bzImage) {
    const header = new TextDecoder('latin1').decode(bzImage.subarray(0x202, 0x206));
    if (header !== 'HdrS')
      throw bad(host.config.bzImage?.url ?? '', 'is not a Linux kernel (bzImage)');
  }
  const ramBytes = host.config.memoryMiB * 1024 * 1024;
  const last = bootRanges(images).at(-1);
  if (last && last.end > ramBytes)
    throw new CprError(
      'bad-config',
      `The guest's kernel and initrd end at ${Math.ceil(last.end / 1048576)} MiB, which does not fit ${host.config.memoryMiB} MiB of RAM${initrd ? ' (v86 puts the initrd at 64 MiB)' : ''}. Give it more memory.`,
    );
}
