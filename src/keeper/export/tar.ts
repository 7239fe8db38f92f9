/** A tar archive (POSIX ustar) of Blobs. https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html */
import { HoldfastError } from '../../errors.ts';
import { zeros } from './zeros.ts';

const blockBytes = 512;
/** 11 octal digits: 8 GiB. */
const largestOctal = 8 ** 11 - 1;

export interface TarEntry {
  /** At most 100 bytes of ASCII. */
  name: string;
  contents: Blob;
}

/** Matches a path that stays within the folder in which an archive is unpacked. */
const safeName = /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.-]+(\/[\w.-]+)*$/;

/**
 * @throws HoldfastError `internal` for a name that is not a plain path: names from a file must be
 * sanitised before
 */
export function tar(entries: readonly TarEntry[], modifiedAtMs: number): Blob {
  const parts: BlobPart[] = [];
  for (const { name, contents } of entries) {
    if (!safeName.test(name) || name.length > 100)
      throw new HoldfastError('internal', `An archive cannot have a file ${JSON.stringify(name)}.`);
    parts.push(header(name, contents.size, modifiedAtMs), contents);
    parts.push(zeros(paddingOf(contents.size)));
  }
  parts.push(zeros(2 * blockBytes));
  return new Blob(parts, { type: 'application/x-tar' });
}

/** No bit operations: sizes have more than 32 bits. */
const paddingOf = (sizeBytes: number) => (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

function header(name: string, sizeBytes: number, modifiedAtMs: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(blockBytes);
  const text = (offset: number, value: string) =>
    out.set(new TextEncoder().encode(value).subarray(0, 100), offset);
  const octal = (offset: number, digits: number, value: number) =>
    text(offset, value.toString(8).padStart(digits, '0'));
  text(0, name);
  octal(100, 7, 0o644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  if (sizeBytes <= largestOctal) octal(124, 11, sizeBytes);
  else {
    // The binary form of GNU tar, which all programs read: the highest bit is set.
    out[124] = 0x80;
    new DataView(out.buffer).setBigUint64(128, BigInt(sizeBytes));
  }
  octal(136, 11, Math.floor(modifiedAtMs / 1000));
  text(148, ' '.repeat(8));
  text(156, '0');
  text(257, 'ustar\0');
  text(263, '00');
  octal(
    148,
    6,
    out.reduce((sum, byte) => sum + byte, 0),
  );
  out[154] = 0;
  return out;
}
