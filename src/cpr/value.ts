/**
 * Plain values as bytes: what device state is made of once every device object has
 * been asked for its state. SPEC.md, "Values", rules VL1 to VL6.
 */
import { CprError } from '../errors.ts';

export type TypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export type Value =
  | undefined
  | null
  | boolean
  | number
  | string
  | TypedArray
  | readonly Value[]
  | { readonly [key: string]: Value };

const tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  int32: 4,
  float64: 5,
  string: 6,
  array: 7,
  object: 8,
  typedArray: 9,
} as const;

// The order is the format: a constructor's index is its element type on the wire.
const typedArrays = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const;

const maximumDepth = 64;

/** Elided zeros count as well: what a decoded value may take up in all. */
const maximumExpandedBytes = 64 * 1024 * 1024;

const bad = (sentence: string) => new CprError('bad-vmstate', `Damaged device state: ${sentence}.`);

/** Grows as needed; little-endian; typed-array contents are aligned to 8 bytes. */
class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(initial: Uint8Array) {
    this.#bytes = initial;
    this.#view = new DataView(initial.buffer, initial.byteOffset, initial.length);
  }

  /** @returns where the next `sizeBytes` go; what is there is not zero. */
  #room(sizeBytes: number): number {
    const start = this.#length;
    const end = start + sizeBytes;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return start;
  }

  u8(value: number): void {
    this.#bytes[this.#room(1)] = value;
  }

  u32(value: number): void {
    this.#view.setUint32(this.#room(4), value, true);
  }

  i32(value: number): void {
    this.#view.setInt32(this.#room(4), value, true);
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#room(8), value, true);
  }

  raw(bytes: Uint8Array): void {
    const start = this.#room(bytes.length);
    this.#bytes.set(bytes, start);
  }

  align8(): void {
    const sizeBytes = -this.#length & 7;
    const start = this.#room(sizeBytes);
    this.#bytes.fill(0, start, start + sizeBytes);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function write(out: Writer, value: Value, depth: number): void {
  if (depth > maximumDepth) throw new CprError('internal', 'Device state is nested too deeply.');
  if (value === undefined) out.u8(tag.undefined);
  else if (value === null) out.u8(tag.null);
  else if (typeof value === 'boolean') out.u8(value ? tag.true : tag.false);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'object') writeCompound(out, value, depth);
  else if (typeof value === 'string') {
    out.u8(tag.string);
    out.string(value);
  } else {
    throw new CprError('internal', `A ${typeof value} cannot be part of device state.`);
  }
}

function writeNumber(out: Writer, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    out.u8(tag.int32);
    out.i32(value);
  } else {
    out.u8(tag.float64);
    out.f64(value);
  }
}

/** [VL5] Devices are full of buffers that are mostly empty. */
function lengthWithoutTrailingZeros(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return length;
}

function writeCompound(out: Writer, value: object, depth: number): void {
  if (Array.isArray(value)) {
    out.u8(tag.array);
    out.u32(value.length);
    // Not for-of: state arrays have holes, which count as undefined.
    for (let i = 0; i < value.length; i++) write(out, value[i], depth + 1);
    return;
  }
  if (ArrayBuffer.isView(value)) {
    const kind = typedArrays.findIndex((TypedArray) => value instanceof TypedArray);
    if (kind < 0) throw new CprError('internal', 'A DataView cannot be part of device state.');
    const array = value as TypedArray;
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const stored = lengthWithoutTrailingZeros(bytes);
    out.u8(tag.typedArray);
    out.u8(kind);
    out.u32(array.length);
    out.u32(stored);
    out.align8();
    out.raw(bytes.subarray(0, stored));
    return;
  }
  const entries = Object.entries(value) as [string, Value][];
  out.u8(tag.object);
  out.u32(entries.length);
  for (const [key, member] of entries) {
    out.string(key);
    write(out, member, depth + 1);
  }
}

class Cursor {
  offset = 0;
  expandedBytes = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    // A plain Uint8Array: `slice` of a Node Buffer would not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(sizeBytes: number): number {
    const start = this.offset;
    if (sizeBytes > this.bytes.length - start) throw bad('it ends early');
    this.offset = start + sizeBytes;
    return start;
  }

  /** A count of things that take at least `unitBytes` each, so that it cannot lie by much. */
  count(unitBytes: number): number {
    const count = this.view.getUint32(this.take(4), true);
    if (count * unitBytes > this.bytes.length - this.offset)
      throw bad('a length goes past its end');
    return count;
  }

  string(): string {
    const length = this.count(1);
    const start = this.take(length);
    return new TextDecoder().decode(this.bytes.slice(start, start + length));
  }
}

function read(from: Cursor, depth: number): Value {
  if (depth > maximumDepth) throw bad('it is nested too deeply');
  const kind = from.view.getUint8(from.take(1));
  switch (kind) {
    case tag.undefined:
      return undefined;
    case tag.null:
      return null;
    case tag.false:
      return false;
    case tag.true:
      return true;
    case tag.int32:
      return from.view.getInt32(from.take(4), true);
    case tag.float64:
      return from.view.getFloat64(from.take(8), true);
    case tag.string:
      return from.string();
    case tag.array: {
      const items: Value[] = [];
      for (let left = from.count(1); left > 0; left--) items.push(read(from, depth + 1));
      return items;
    }
    case tag.object: {
      // A null prototype: a key of "__proto__" is a key like any other.
      const object: { [key: string]: Value } = Object.create(null);
      for (let left = from.count(5); left > 0; left--) {
        const key = from.string();
        object[key] = read(from, depth + 1);
      }
      return object;
    }
    case tag.typedArray: {
      const Elements = typedArrays[from.view.getUint8(from.take(1))];
      if (!Elements) throw bad('it has an unknown element type');
      const count = from.view.getUint32(from.take(4), true);
      const stored = from.view.getUint32(from.take(4), true);
      from.take(-from.offset & 7);
      const sizeBytes = count * Elements.BYTES_PER_ELEMENT;
      from.expandedBytes += sizeBytes;
      if (stored > sizeBytes || from.expandedBytes > maximumExpandedBytes)
        throw bad('a length goes past its limit');
      const start = from.take(stored);
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(from.bytes.subarray(start, start + stored));
      return new Elements(bytes.buffer);
    }
    default:
      throw bad(`it has an unknown tag ${kind}`);
  }
}

/** Encoding happens while a guest stands still: no allocation, no collection. */
const workspace = new Uint8Array(1 << 18);

export function encodeValue(value: Value): Uint8Array {
  const out = new Writer(workspace);
  write(out, value, 0);
  return out.finish();
}

/** @throws {CprError} `bad-vmstate` when the bytes are not exactly one value. */
export function decodeValue(bytes: Uint8Array): Value {
  const from = new Cursor(bytes);
  const value = read(from, 0);
  if (from.offset !== bytes.length) throw bad('it goes on after its end');
  return value;
}
