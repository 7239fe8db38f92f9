/** Decompresses disks that were compressed as a whole. */
import { Decompress } from 'fzstd';
import { HoldfastError } from '../../errors.ts';
import { largestZstdWindow, largestZstdWindowBytes } from '../../protocol/zstd-frame.ts';
import { readFile } from './file-read.ts';

/** RFC 1952, section 2.3.1; RFC 8878, section 3.1.1. */
const magics = { gzip: [0x1f, 0x8b, 0x08], zstd: [0x28, 0xb5, 0x2f, 0xfd] } as const;
const longestMagic = 4;

export type Compression = keyof typeof magics;

/**
 * Returns the compression of these bytes, which may be only the first ones. No disk begins with
 * these magics.
 */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  const names: Compression[] = ['gzip', 'zstd'];
  return names.find((name) => magics[name].every((byte, index) => bytes[index] === byte));
}

/** Limit for any input: a link of 100 KiB can name an image of zeros that fills all memory. */
const unquestionedBytes = 512 * 2 ** 20;
/** Above that limit, the largest ratio: that of disks with real contents. */
const usualRatio = 32;
const largestBytes = 2 ** 31;

export const limitOfUnpacked = (packedBytes: number): number =>
  Math.min(largestBytes, Math.max(unquestionedBytes, packedBytes * usualRatio));

/**
 * @param limitBytes the limit, if the size is known
 * @throws HoldfastError `image-unavailable` if the bytes are damaged or unpack to too much
 */
export async function unpack(
  bytes: Uint8Array<ArrayBuffer>,
  limitBytes = limitOfUnpacked(bytes.length),
): Promise<Uint8Array<ArrayBuffer>> {
  const compression = compressionOf(bytes);
  if (!compression) return bytes;
  const unpacked = new GrowingBytes(Math.min(limitBytes, bytes.length * 4), limitBytes);
  try {
    if (compression === 'zstd') unzstd(bytes, unpacked);
    else await gunzip(new Blob([bytes]), unpacked);
    return unpacked.bytes();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError(
      'image-unavailable',
      `The image is compressed (${compression}) and damaged: check the file.`,
      { cause },
    );
  }
}

/**
 * Returns the contents of a compressed file, which cannot be read in parts; undefined for any other
 * file.
 */
export async function unpackFile(file: Blob): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const first = await readFile(file, 0, Math.min(longestMagic, file.size));
  if (!compressionOf(first)) return undefined;
  return unpack((await readFile(file, 0, file.size)) as Uint8Array<ArrayBuffer>);
}

/** Size of input chunks, so that a decompression bomb is detected early. */
const pieceBytes = 64 * 1024;

function unzstd(bytes: Uint8Array, unpacked: GrowingBytes): void {
  const windowBytes = largestZstdWindow(bytes);
  if (windowBytes === undefined) throw new RangeError('This is not frames of zstd to its end.');
  // Checked before any of it is unpacked: the library allocates what each frame claims.
  if (windowBytes > largestZstdWindowBytes)
    throw new HoldfastError(
      'image-unavailable',
      `The image asks for more than ${largestZstdWindowBytes / 2 ** 20} MiB to be unpacked with (a zstd window). Compress it without --long or --ultra.`,
    );
  const stream = new Decompress((chunk) => unpacked.add(chunk));
  for (let at = 0; at < bytes.length; at += pieceBytes)
    stream.push(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.length);
}

async function gunzip(blob: Blob, unpacked: GrowingBytes): Promise<void> {
  const reader = blob.stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      unpacked.add(value);
    }
  } catch (thrown) {
    await reader.cancel().catch(() => {});
    throw thrown;
  }
}

/**
 * A buffer for an unknown number of bytes, up to a limit. The result is not copied at the end.
 */
class GrowingBytes {
  readonly #limit: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number, limit: number) {
    this.#bytes = new Uint8Array(Math.max(1, capacity));
    this.#limit = limit;
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#limit)
      throw new HoldfastError(
        'image-unavailable',
        `The image unpacks to more than ${this.#limit} bytes. Unpack it on the server, and have it read in ranges.`,
      );
    if (length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, Math.min(this.#limit, Math.max(length, this.#length * 1.5)));
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, capacity: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.ceil(capacity));
  larger.set(bytes);
  return larger;
}
