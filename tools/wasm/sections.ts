/**
 * Sections of a WebAssembly binary (core spec 5.5.2), read and written without
 * decoding function bodies.
 */

export const sectionId = {
  custom: 0,
  type: 1,
  import: 2,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

export interface Section {
  id: number;
  payload: Uint8Array;
}

const preamble = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** A cursor over a section's payload. Throws `RangeError` past the end. */
export class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public offset = 0,
  ) {}

  get done(): boolean {
    return this.offset >= this.bytes.length;
  }

  u8(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new RangeError('WebAssembly section ends early');
    return value;
  }

  /** LEB128, up to 32 bits. */
  u32(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      result |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return result >>> 0;
    }
  }

  /** Signed LEB128, up to 32 bits (the immediate of `i32.const`). */
  s32(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      result |= (byte & 0x7f) << shift;
      if (byte & 0x80) continue;
      const unused = 32 - (shift + 7);
      return unused > 0 ? (result << unused) >> unused : result;
    }
  }

  take(length: number): Uint8Array {
    if (this.offset + length > this.bytes.length)
      throw new RangeError('WebAssembly section ends early');
    const start = this.offset;
    this.offset += length;
    return this.bytes.subarray(start, this.offset);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }
}

export function leb(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest ? byte | 0x80 : byte);
  } while (rest);
  return out;
}

/** LEB128 of a number that is not negative, as the immediate of `i32.const`, which has a sign. */
export function signedLeb(value: number): number[] {
  const out = leb(value);
  const last = out.at(-1) ?? 0;
  if (last & 0x40) out.splice(-1, 1, last | 0x80, 0);
  return out;
}

export function nameBytes(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...leb(bytes.length), ...bytes];
}

export function readSections(wasm: Uint8Array): Section[] {
  if (preamble.some((byte, i) => wasm[i] !== byte))
    throw new TypeError('not a WebAssembly version 1 binary');
  const reader = new Reader(wasm, preamble.length);
  const sections: Section[] = [];
  while (!reader.done) sections.push({ id: reader.u8(), payload: reader.take(reader.u32()) });
  return sections;
}

export function writeSections(sections: readonly Section[]): Uint8Array {
  const chunks: Uint8Array[] = [preamble];
  for (const { id, payload } of sections) {
    chunks.push(Uint8Array.of(id, ...leb(payload.length)), payload);
  }
  return concat(chunks);
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  return out;
}
