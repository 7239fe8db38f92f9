/** The header of a zstd file's first frame (RFC 8878, 3.1.1.1). */

const magic = 0xfd2fb528;
/** Magic and descriptor. */
const leastBytes = 5;

/** zstd's own programs allow this much unless told otherwise. Readers allocate what a file claims. */
export const largestZstdWindowBytes = 128 * 2 ** 20;

interface ZstdFrame {
  /** Size of the header; the blocks follow it. */
  headerBytes: number;
  /** Memory that a reader of the frame needs for its window. */
  windowBytes: number;
  /** Size of the decompressed contents; undefined where the frame does not say it. */
  contentBytes: number | undefined;
  hasChecksum: boolean;
}

/** @returns undefined for bytes that are no zstd frame, or end within its header */
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

/** @returns undefined for bytes that are no zstd frame, or too few to say */
export const zstdWindowBytes = (bytes: Uint8Array): number | undefined =>
  readHeader(bytes)?.windowBytes;

/** @returns undefined for bytes that are no zstd frame, and for a frame that does not say it */
export const zstdContentBytes = (bytes: Uint8Array): number | undefined =>
  readHeader(bytes)?.contentBytes;

/**
 * Copies a frame and gives it a window of 256 KiB. Its first block can be decompressed in that, whatever
 * the frame claims.
 * @returns undefined for bytes that are no zstd frame
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
