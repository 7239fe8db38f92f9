/**
 * `/16xb` and similar formats: how `x`, `xp` and `print` show numbers. As in QEMU's
 * monitor/hmp-cmds.
 */
import { HoldfastError } from '../errors.ts';

export interface MemoryFormat {
  count: number;
  /** Hexadecimal, signed, unsigned, octal, character. */
  radix: 'x' | 'd' | 'u' | 'o' | 'c';
  bytes: 1 | 2 | 4 | 8;
}

export const usualFormat: MemoryFormat = { count: 1, radix: 'x', bytes: 4 };

const sizes: Record<string, MemoryFormat['bytes']> = { b: 1, h: 2, w: 4, g: 8 };
/** Most items that are shown at once: a page of 4 KiB in bytes. */
const mostItems = 4096;

/** @param text with its slash */
export function parseMemoryFormat(text: string): MemoryFormat {
  const digits = /^\/(\d*)/.exec(text)![1]!;
  const format = { ...usualFormat, count: digits === '' ? 1 : Number(digits) };
  let isSized = false;
  for (const letter of text.slice(1 + digits.length)) {
    const bytes = sizes[letter];
    if (bytes !== undefined) {
      format.bytes = bytes;
      isSized = true;
    } else if ('xduoc'.includes(letter)) {
      format.radix = letter as MemoryFormat['radix'];
    } else if (letter === 'i') {
      throw new HoldfastError(
        'bad-command',
        'there is no disassembler here: use a format of x, d, u, o or c',
      );
    } else {
      throw new HoldfastError('bad-command', `invalid char in format: '${letter}'`);
    }
  }
  if (format.radix === 'c' && !isSized) format.bytes = 1;
  if (format.count < 1 || format.count > mostItems)
    throw new HoldfastError('bad-command', `the count must be from 1 to ${mostItems}`);
  return format;
}

/** Formats one number as {@link formatMemory} does. */
export function formatNumber(
  value: bigint,
  { radix, bytes }: Pick<MemoryFormat, 'radix' | 'bytes'>,
): string {
  const bits = bytes * 8;
  switch (radix) {
    case 'x':
      return `0x${BigInt.asUintN(bits, value)
        .toString(16)
        .padStart(bytes * 2, '0')}`;
    case 'o':
      return `0${BigInt.asUintN(bits, value).toString(8)}`.padStart(Math.ceil(bits / 3) + 1);
    case 'u':
      return BigInt.asUintN(bits, value)
        .toString()
        .padStart(Math.ceil((bits * 10) / 33));
    case 'd':
      return BigInt.asIntN(bits, value)
        .toString()
        .padStart(Math.ceil((bits * 10) / 33));
    case 'c':
      return formatCharacter(Number(BigInt.asUintN(8, value)));
  }
}

/**
 * Formats lines of 16 bytes, or of 8 for single bytes, each with its address in front.
 * @param addressDigits 8 for linear addresses, 16 for physical ones, as in QEMU
 */
export function formatMemory(
  address: number,
  memory: Uint8Array,
  format: MemoryFormat,
  addressDigits: 8 | 16,
): string[] {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const read = {
    1: (at: number) => BigInt(view.getUint8(at)),
    2: (at: number) => BigInt(view.getUint16(at, true)),
    4: (at: number) => BigInt(view.getUint32(at, true)),
    8: (at: number) => view.getBigUint64(at, true),
  }[format.bytes];
  const lineBytes = format.bytes === 1 ? 8 : 16;
  const lines: string[] = [];
  for (let start = 0; start < memory.length; start += lineBytes) {
    const items: string[] = [];
    for (let at = start; at < Math.min(start + lineBytes, memory.length); at += format.bytes)
      items.push(formatNumber(read(at), format));
    lines.push(
      `${(address + start).toString(16).padStart(addressDigits, '0')}: ${items.join(' ')}`,
    );
  }
  return lines;
}

function formatCharacter(code: number): string {
  const named: Record<number, string> = { 39: "\\'", 92: '\\\\', 10: '\\n', 13: '\\r' };
  const text =
    named[code] ??
    (code >= 32 && code <= 126
      ? String.fromCharCode(code)
      : `\\x${code.toString(16).padStart(2, '0')}`);
  return `'${text}'`;
}
