/** Describes a file that is not of the expected kind. */

const latin1 = (bytes: Uint8Array, start: number, length: number) =>
  String.fromCharCode(...bytes.subarray(start, start + length));

/** Number of bytes that are searched for the start of a web page. */
const pageHead = 256;

/**
 * Returns true for a web page. A server without the file often answers with a page and status 200.
 */
export function isWebPage(bytes: Uint8Array): boolean {
  return /^\W*<(?:!doctype\s+html|html|head)\b/i.test(latin1(bytes, 0, pageHead));
}

/** Linux boot protocol, "The Real-Mode Kernel Header". */
export const isLinuxKernel = (bytes: Uint8Array) => latin1(bytes, 0x202, 4) === 'HdrS';

/** Returns ": it is an ELF file", or nothing if the kind is unknown. */
export function itIs(bytes: Uint8Array): string {
  const kind = kindOf(bytes);
  return kind === undefined ? '' : `: it is ${kind}`;
}

function kindOf(bytes: Uint8Array): string | undefined {
  if (isWebPage(bytes)) return 'a web page, which servers send for a file that they do not have';
  if (isLinuxKernel(bytes)) return 'a Linux kernel';
  if (latin1(bytes, 0, 4) === '\x7fELF') return 'an ELF file, as vmlinux and Multiboot kernels are';
  if (latin1(bytes, 0x8001, 5) === 'CD001') return 'a CD image';
  if (latin1(bytes, 0, 2) === 'MZ') return 'a program for DOS, Windows or UEFI';
  if (latin1(bytes, 0, 2) === '\x1f\x8b') return 'compressed (gzip): unpack it first';
  if (latin1(bytes, 0, 2) === 'PK') return 'a zip archive: unpack it first';
  if (latin1(bytes, 0, 6) === '\xfd7zXZ\0') return 'compressed (xz): unpack it first';
  if (latin1(bytes, 510, 2) === '\x55\xaa') return 'a disk image';
  return undefined;
}
