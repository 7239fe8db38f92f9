/** The frames of a zstd file, without their compressed contents (RFC 8878, 3.1). */

const magic = 0xfd2fb528;
/** Magic and descriptor. */
const leastBytes = 5;
const blockHeaderBytes = 3;
const checksumBytes = 4;
/** Magic and size. The last digit of the magic can be any. */
const skippableHeaderBytes = 8;
const skippableMagic = 0x184d2a50;

const blockKind = { repeated: 1, reserved: 3 } as const;

/** Default limit of zstd's own programs. Readers allocate what a file claims. */
export const largestZstdWindowBytes = 128 * 2 ** 20;

interface ZstdFrame {
  /** Size of the header; the blocks follow it. */
  headerBytes: number;
  /** Memory that a reader of the frame needs for its window. */
  windowBytes: number;
  /** Size of the decompressed contents; undefined if the frame does not contain it. */
  contentBytes: number | undefined;
  hasChecksum: boolean;
}

/** @returns undefined for bytes that are not a zstd frame or end within its header */
function readHeader(bytes: Uint8Array): ZstdFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length <= leastBytes || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const idBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [Number(isSingleSegment), 2, 4, 8][descriptor >> 6] ?? 0;
  const sizeAt = leastBytes + Number(!isSingleSegment) + idBytes;
  const headerBytes = sizeAt + sizeBytes;
  if (headerBytes > bytes.length) return undefined;
  const contentBytes = sizeIn(view, sizeAt, sizeBytes);
  // A frame of a single segment has no window: its contents are the window.
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : windowOf(view.getUint8(leastBytes));
  return { headerBytes, windowBytes, contentBytes, hasChecksum: (descriptor & 0x04) !== 0 };
}

function sizeIn(view: DataView, at: number, bytes: number): number | undefined {
  switch (bytes) {
    case 0:
      return undefined;
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/**
 * Returns the largest window of all frames. It skips from block to block, since each frame has its
 * own window.
 * @returns undefined unless the file consists of frames from its first byte to its last
 */
export function largestZstdWindow(bytes: Uint8Array): number | undefined {
  let largest = 0;
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    const frame = readHeader(rest);
    const length = frame ? frameLength(rest, frame) : skippableLength(rest);
    if (length === undefined) return undefined;
    largest = Math.max(largest, frame?.windowBytes ?? 0);
    at += length;
  }
  return largest;
}

/** @returns undefined for a frame that is truncated or has a block of an unknown kind */
function frameLength(bytes: Uint8Array, { headerBytes, hasChecksum }: ZstdFrame) {
  let at = headerBytes;
  for (let isLast = false; !isLast; ) {
    if (at + blockHeaderBytes > bytes.length) return undefined;
    const header = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    const kind = (header >> 1) & 3;
    if (kind === blockKind.reserved) return undefined;
    isLast = (header & 1) !== 0;
    // A repeated byte is stored once, independent of the size field.
    at += blockHeaderBytes + (kind === blockKind.repeated ? 1 : header >> 3);
  }
  if (hasChecksum) at += checksumBytes;
  return at <= bytes.length ? at : undefined;
}

/** RFC 8878, 3.1.2. */
function skippableLength(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < skippableHeaderBytes) return undefined;
  if ((view.getUint32(0, true) & ~0xf) >>> 0 !== skippableMagic) return undefined;
  const length = skippableHeaderBytes + view.getUint32(4, true);
  return length <= bytes.length ? length : undefined;
}

/** @returns undefined for bytes that are not a zstd frame, and for a frame without the size */
export const zstdContentBytes = (bytes: Uint8Array): number | undefined =>
  readHeader(bytes)?.contentBytes;

/**
 * Copies a frame and gives it a window of 256 KiB, in place of the one that it claims. That is enough
 * to decompress its first block.
 * @returns undefined for bytes that are not a zstd frame
 */
export function withSmallWindow(bytes: Uint8Array): Uint8Array | undefined {
  const header = readHeader(bytes);
  if (!header) return undefined;
  const blocks = bytes.subarray(header.headerBytes);
  const frame = new Uint8Array(leastBytes + 1 + blocks.length);
  frame.set(bytes.subarray(0, 4));
  // The new header has no content size and no dictionary. Its window has 2^(10 + 8) bytes.
  frame.set([header.hasChecksum ? 0x04 : 0, 8 << 3], 4);
  frame.set(blocks, leastBytes + 1);
  return frame;
}
