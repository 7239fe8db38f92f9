/**
 * Plain values as bytes: what device state is made of once every device object has
 * been asked for its state. See docs/spec/vmstate.md, "Values", rules VL1 to VL7.
 */
import { HoldfastError } from '../errors.ts';

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

// The order is part of the format: a constructor's index is its element type in the encoding.
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

/**
 * [VL6] Default memory limit of a decoded value: some 500 times the state of a Linux guest. Callers
 * that know the expected size pass their own limit.
 */
const defaultLimitBytes = 64 * 1024 * 1024;

/** The bits of the only NaN that is encoded. */
const canonicalNan = 0x7ff8_0000_0000_0000n;

/** Approximate memory that engines allocate for a value; counted before the allocation. */
const allocatedBytes = { value: 8, number: 16, string: 16, array: 16, object: 32, typedArray: 96 };

const bad = (sentence: string) =>
  new HoldfastError('bad-vmstate', `Damaged device state: ${sentence}.`);

/** Grows as needed; little-endian; typed-array contents are aligned to 8 bytes. */
class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(initial: Uint8Array) {
    this.#bytes = initial;
    this.#view = new DataView(initial.buffer, initial.byteOffset, initial.length);
  }

  /**
   * Reserves room. Call it before you use `#bytes` or `#view`: it may replace both.
   * @returns the start of the next `sizeBytes`; their old contents are not zero.
   */
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
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value, true);
  }

  f64(value: number): void {
    const at = this.#room(8);
    // No setFloat64 for a NaN, which would write the arbitrary bits of this one.
    if (Number.isNaN(value)) this.#view.setBigUint64(at, canonicalNan, true);
    else this.#view.setFloat64(at, value, true);
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
  if (depth > maximumDepth)
    throw new HoldfastError('internal', 'Device state is nested too deeply.');
  if (value === undefined) out.u8(tag.undefined);
  else if (value === null) out.u8(tag.null);
  else if (typeof value === 'boolean') out.u8(value ? tag.true : tag.false);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'object') writeCompound(out, value, depth);
  else if (typeof value === 'string') {
    out.u8(tag.string);
    out.string(value);
  } else {
    throw new HoldfastError('internal', `A ${typeof value} cannot be part of device state.`);
  }
}

const isInt32 = (value: number) => (value | 0) === value && !Object.is(value, -0);

function writeNumber(out: Writer, value: number): void {
  if (isInt32(value)) {
    out.u8(tag.int32);
    out.i32(value);
  } else {
    out.u8(tag.float64);
    out.f64(value);
  }
}

/** [VL5] Devices have many buffers that are mostly empty. */
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
    if (kind < 0) throw new HoldfastError('internal', 'A DataView cannot be part of device state.');
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
  allocatedBytes = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #limitBytes: number;

  constructor(bytes: Uint8Array, limitBytes: number) {
    // A plain Uint8Array: `slice` of a Node Buffer would not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limitBytes = limitBytes;
  }

  take(sizeBytes: number): number {
    const start = this.offset;
    if (sizeBytes > this.bytes.length - start) throw bad('it ends early');
    this.offset = start + sizeBytes;
    return start;
  }

  /** [VL6] Counts an allocation. Call it before anything is allocated. */
  allocate(sizeBytes: number): void {
    this.allocatedBytes += sizeBytes;
    if (this.allocatedBytes > this.#limitBytes) throw bad('it asks for more memory than it may');
  }

  /**
   * [VL4] Reads a count of items of at least `unitBytes` each, so that it cannot be far too large.
   */
  count(unitBytes: number): number {
    const count = this.view.getUint32(this.take(4), true);
    if (count * unitBytes > this.bytes.length - this.offset)
      throw bad('a length goes past its end');
    return count;
  }

  string(): string {
    const length = this.count(1);
    this.allocate(allocatedBytes.string + 2 * length);
    const start = this.take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.bytes.slice(start, start + length),
      );
    } catch {
      throw bad('it has a text that is not one');
    }
  }

  /** [VL1] */
  align8(): void {
    const start = this.take(-this.offset & 7);
    for (let at = start; at < this.offset; at++)
      if (this.bytes[at] !== 0) throw bad('its padding is not zero');
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
      return readFloat64(from);
    case tag.string:
      return from.string();
    case tag.array:
      return readArray(from, depth);
    case tag.object:
      return readObject(from, depth);
    case tag.typedArray:
      return readTypedArray(from);
    default:
      throw bad(`it has an unknown tag ${kind}`);
  }
}

function readFloat64(from: Cursor): number {
  from.allocate(allocatedBytes.number);
  const at = from.take(8);
  const value = from.view.getFloat64(at, true);
  const isCanonical = Number.isNaN(value)
    ? from.view.getBigUint64(at, true) === canonicalNan
    : !isInt32(value);
  if (!isCanonical) throw bad('it has a number in another form than the only one');
  return value;
}

function readArray(from: Cursor, depth: number): Value {
  const count = from.count(1);
  from.allocate(allocatedBytes.array + count * allocatedBytes.value);
  const items: Value[] = [];
  for (let left = count; left > 0; left--) items.push(read(from, depth + 1));
  return items;
}

function readObject(from: Cursor, depth: number): Value {
  const count = from.count(5);
  from.allocate(allocatedBytes.object + count * 3 * allocatedBytes.value);
  // A null prototype: "__proto__" is an ordinary key.
  const object: { [key: string]: Value } = Object.create(null);
  const keys: string[] = [];
  for (let left = count; left > 0; left--) {
    const key = from.string();
    keys.push(key);
    object[key] = read(from, depth + 1);
  }
  // Duplicate keys, or numeric keys that JavaScript would reorder.
  const order = Object.keys(object);
  if (keys.length !== order.length || keys.some((key, i) => key !== order[i]))
    throw bad('the members of an object are not in order');
  return object;
}

function readTypedArray(from: Cursor): Value {
  const Elements = typedArrays[from.view.getUint8(from.take(1))];
  if (!Elements) throw bad('it has an unknown element type');
  const count = from.view.getUint32(from.take(4), true);
  const stored = from.view.getUint32(from.take(4), true);
  from.align8();
  const sizeBytes = count * Elements.BYTES_PER_ELEMENT;
  const start = from.take(stored);
  // [VL5] Only one encoding is valid: the last stored byte is not zero.
  if (stored > sizeBytes || (stored > 0 && from.bytes[start + stored - 1] === 0))
    throw bad('a length is invalid');
  from.allocate(allocatedBytes.typedArray + sizeBytes);
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(from.bytes.subarray(start, start + stored));
  return new Elements(bytes.buffer);
}

/**
 * Reused, because encoding happens while a guest is stopped: no allocation, no garbage collection.
 */
const workspace = new Uint8Array(1 << 18);

export function encodeValue(value: Value): Uint8Array {
  const out = new Writer(workspace);
  write(out, value, 0);
  return out.finish();
}

/**
 * [VL1] Decodes a value. Encoding the result returns the same bytes.
 * @param limitBytes memory limit of the result, as counted by {@link allocatedBytes}
 * @throws {HoldfastError} `bad-vmstate` if the bytes are not exactly one value.
 */
export function decodeValue(bytes: Uint8Array, limitBytes = defaultLimitBytes): Value {
  return decode(bytes, limitBytes).value;
}

/** Returns the memory that decoding `bytes` takes, as counted for the limit of [VL6]. */
export function decodedSizeBytes(bytes: Uint8Array): number {
  return decode(bytes, defaultLimitBytes).allocatedBytes;
}

function decode(bytes: Uint8Array, limitBytes: number): { value: Value; allocatedBytes: number } {
  const from = new Cursor(bytes, limitBytes);
  const value = read(from, 0);
  if (from.offset !== bytes.length) throw bad('it has bytes after its end');
  return { value, allocatedBytes: from.allocatedBytes };
}
