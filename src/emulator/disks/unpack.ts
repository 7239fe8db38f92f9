/** Disks that were compressed as a whole. */
import { decompress } from 'fzstd';
import { CprError } from '../../errors.ts';
import { readFile } from './file-read.ts';

/** RFC 1952, section 2.3.1; RFC 8878, section 3.1.1. */
const magics = { gzip: [0x1f, 0x8b, 0x08], zstd: [0x28, 0xb5, 0x2f, 0xfd] } as const;
const longestMagic = 4;

export type Compression = keyof typeof magics;

/** How these bytes, or those that they are the first of, are compressed. No disk begins like that. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  const names: Compression[] = ['gzip', 'zstd'];
  return names.find((name) => magics[name].every((byte, index) => bytes[index] === byte));
}

/** @throws CprError `image-unavailable` for what is damaged */
export async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const compression = compressionOf(bytes);
  if (!compression) return bytes;
  try {
    return compression === 'zstd' ? decompress(bytes).slice() : await gunzip(new Blob([bytes]));
  } catch (cause) {
    throw new CprError(
      'image-unavailable',
      `The image is compressed (${compression}) and damaged: check the file.`,
      { cause },
    );
  }
}

/** The contents of a compressed file, which cannot be read in parts; undefined for any other. */
export async function unpackFile(file: Blob): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const first = await readFile(file, 0, Math.min(longestMagic, file.size));
  if (!compressionOf(first)) return undefined;
  return unpack((await readFile(file, 0, file.size)) as Uint8Array<ArrayBuffer>);
}

async function gunzip(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const stream = blob.stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
