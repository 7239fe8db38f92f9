/** How much memory a zstd file asks its reader to hold, as its first frame says (RFC 8878, 3.1.1.1). */

const magic = 0xfd2fb528;

/** As zstd's own programs allow unless told otherwise: readers allocate what a file claims. */
export const largestZstdWindowBytes = 128 * 2 ** 20;

/**
 * The same frame with a window of 256 KiB: enough to look at its first block, whatever the frame claims.
 * @returns undefined for what is no zstd frame
 */
export function withSmallWindow(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 6 || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const idBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const blocks = bytes.subarray(5 + (isSingleSegment ? 0 : 1) + idBytes + sizeBytes);
  const frame = new Uint8Array(6 + blocks.length);
  frame.set(bytes.subarray(0, 4));
  // No size of the contents, no dictionary, a checksum where there was one; 2^(10 + 8) bytes.
  frame.set([descriptor & 0x04, 8 << 3], 4);
  frame.set(blocks, 6);
  return frame;
}

/** @returns undefined for what is no zstd frame, or too short to say */
export function zstdWindowBytes(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 6 || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment) {
    const window = view.getUint8(5);
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  // It has no window: all of its contents are one.
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6] ?? 1;
  if (view.byteLength < at + sizeBytes) return undefined;
  switch (sizeBytes) {
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
