/** Guesses the kind of an image by its size and its first bytes. No DOM but `Blob`. */
import { withSmallWindow } from '../../protocol/zstd-frame.ts';
import { part } from './preloaded-parts.ts';

export type ImageKind =
  | 'state'
  | 'v86State'
  | 'cdrom'
  | 'hda'
  | 'fda'
  | 'bzImage'
  | 'multiboot'
  | 'initrd';

/** Where an ISO 9660 volume says `CD001`: in its first descriptor, after 16 sectors (ECMA-119, 8.1). */
const volumeAt = 16 * 2048 + 1;
const headBytes = volumeAt + 5;
/** A Multiboot header is 32-bit aligned in the first 8 KiB (Multiboot 0.6.96, 3.1). */
const multibootBytes = 8192;
const multibootMagic = 0x1badb002;
/** Linux' boot protocol, "Details of header fields". */
const linuxMagicAt = 0x202;
/** `HOLDSTAT`, of a state file (docs/spec/state-file.md). */
const stateMagic = 'HOLDSTAT';
/** v86's `STATE_MAGIC`. */
const v86Magic = 0x86768676;
/** RFC 8878, 3.1.1. */
const zstdMagic = 0xfd2fb528;
/** The first block of a zstd file, of at most 128 KiB, is in here. No guess reads more of a file. */
export const firstBlockBytes = 256 * 1024;

/** Floppies of 160 KiB to 2.88 MiB that are in use, in KiB. */
const floppyKiB = [160, 180, 320, 360, 720, 1200, 1440, 1680, 1722, 2880];
const largestFloppyBytes = 2880 * 1024;

/** @returns undefined for a file that no machine uses, or that cannot be read, such as a folder */
export async function guessImage(file: File): Promise<ImageKind | undefined> {
  const name = file.name.toLowerCase();
  let head: DataView;
  try {
    head = new DataView(await file.slice(0, headBytes).arrayBuffer());
  } catch {
    return undefined;
  }
  if (head.byteLength === 0) return undefined;
  const isState = textAt(head, 0, stateMagic.length) === stateMagic;
  if (isState || /\.(holdfast|vmstate)$/.test(name)) return 'state';
  if (startsWith(head, v86Magic) || (await holdsV86State(file, head))) return 'v86State';
  if (textAt(head, volumeAt, 5) === 'CD001') return 'cdrom';
  if (isCompressed(head)) return kindOfName(name);
  if (textAt(head, linuxMagicAt, 4) === 'HdrS') return 'bzImage';
  if (hasMultibootHeader(head)) return 'multiboot';
  if (floppyKiB.includes(file.size / 1024)) return 'fda';
  const hasBootSector = head.byteLength >= 512 && head.getUint16(510) === 0x55aa;
  if (hasBootSector && file.size <= largestFloppyBytes && !hasPartitions(head)) return 'fda';
  return hasBootSector ? 'hda' : kindOfName(name);
}

/** Guesses from the name. */
function kindOfName(name: string): ImageKind | undefined {
  if (/\.iso(\.|$)/.test(name)) return 'cdrom';
  if (/\.(ima|flp|vfd)(\.|$)/.test(name)) return 'fda';
  if (/^initr(d|amfs)/.test(name) || /\.cpio(\.|$)/.test(name)) return 'initrd';
  return /\.(img|bin|raw|dsk|hdd)(\.|$)/.test(name) ? 'hda' : undefined;
}

const startsWith = (head: DataView, magic: number) =>
  head.byteLength >= 4 && head.getUint32(0, true) === magic;

function textAt(head: DataView, at: number, length: number): string | undefined {
  if (head.byteLength < at + length) return undefined;
  return String.fromCharCode(...new Uint8Array(head.buffer, at, length));
}

/** v86 states are often kept as zstd files. The magic number inside identifies them. */
async function holdsV86State(file: Blob, head: DataView): Promise<boolean> {
  if (!startsWith(head, zstdMagic)) return false;
  const { Decompress } = await part('zstd');
  const start = withSmallWindow(new Uint8Array(await file.slice(0, firstBlockBytes).arrayBuffer()));
  if (!start) return false;
  let isState = false;
  try {
    new Decompress(({ buffer, byteOffset, byteLength }) => {
      isState = startsWith(new DataView(buffer, byteOffset, byteLength), v86Magic);
      // The first block is enough: a well compressed file has many more.
      throw new Error('seen enough');
    }).push(start);
  } catch {
    // The header was read, or the file is no zstd file.
  }
  return isState;
}

/** gzip (RFC 1952) or zstd (RFC 8878). */
const isCompressed = (head: DataView) =>
  head.byteLength >= 4 && (head.getUint16(0) === 0x1f8b || startsWith(head, zstdMagic));

function hasMultibootHeader(head: DataView): boolean {
  for (let at = 0; at + 12 <= Math.min(head.byteLength, multibootBytes); at += 4) {
    const sum =
      head.getUint32(at, true) + head.getUint32(at + 4, true) + head.getUint32(at + 8, true);
    if (head.getUint32(at, true) === multibootMagic && sum % 2 ** 32 === 0) return true;
  }
  return false;
}

/** An MBR whose first partitions are valid: their status is 0x00 or 0x80, and one has sectors. */
function hasPartitions(head: DataView): boolean {
  const entries = [446, 462, 478, 494];
  const isTable = entries.every((at) => (head.getUint8(at) & 0x7f) === 0);
  return (
    isTable &&
    entries.some((at) => head.getUint8(at + 4) !== 0 && head.getUint32(at + 12, true) > 0)
  );
}
