/**
 * v86's own state files, as written by its `save_state` and read by its `restore_state` (version
 * 6).
 */

import { HoldfastError } from '../../errors.ts';
import type { TypedArray, Value } from '../../vmstate/value.ts';

const magic = 0x86768676;
const version = 6;
/** Magic, version, length of the file, length of the JSON. */
const headerBytes = 16;
const types = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;
/** A state without its buffers is some 100 KiB; the tree of a 9p share can be larger. */
const infoLimitBytes = 64 << 20;
const depthLimit = 32;

const bad = (what: string) =>
  new HoldfastError('wrong-v86-state', `This is no state of v86: ${what}.`);
const align4 = (value: number) => (value + 3) & ~3;

/** A reference to a typed array, in v86's format: its bytes follow the JSON. */
interface BufferReference {
  __state_type__: string;
  buffer_id: number;
}

export function encodeV86State(state: Value): Uint8Array<ArrayBuffer> {
  const buffers: Uint8Array[] = [];
  const infos: { offset: number; length: number }[] = [];
  let offset = 0;
  const add = (array: TypedArray): BufferReference => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    infos.push({ offset, length: bytes.length });
    offset += align4(bytes.length);
    return { __state_type__: array.constructor.name, buffer_id: buffers.push(bytes) - 1 };
  };
  const json = (value: Value): unknown => {
    if (ArrayBuffer.isView(value)) return add(value as TypedArray);
    if (Array.isArray(value)) return value.map(json);
    return value;
  };
  const described = { state: json(state), buffer_infos: infos };
  const info = new TextEncoder().encode(JSON.stringify(described));
  const start = align4(headerBytes + info.length);
  const out = new Uint8Array(start + offset);
  new Uint32Array(out.buffer, 0, 4).set([magic, version, out.length, info.length]);
  out.set(info, headerBytes);
  for (const [i, bytes] of buffers.entries()) out.set(bytes, start + (infos[i]?.offset ?? 0));
  return out;
}

/**
 * @returns the state as nested values; arrays that must be aligned are views of a copy.
 * @throws HoldfastError `wrong-v86-state`
 */
export function decodeV86State(bytes: Uint8Array): Value {
  if (bytes.length < headerBytes) throw bad('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [found, itsVersion, total, infoBytes] = [0, 4, 8, 12].map((at) =>
    view.getUint32(at, true),
  ) as [number, number, number, number];
  if (found !== magic) throw bad('its first bytes are others');
  if (itsVersion !== version) throw bad(`its version is ${itsVersion}, not ${version}`);
  if (total !== bytes.length) throw bad(`it has ${bytes.length} bytes instead of ${total}`);
  if (infoBytes > infoLimitBytes || headerBytes + infoBytes > total) throw bad('it is damaged');
  const { state, buffer_infos: infos } = parse(bytes.slice(headerBytes, headerBytes + infoBytes));
  const start = align4(headerBytes + infoBytes);
  const arrayOf = ({ __state_type__: name, buffer_id: id }: Partial<BufferReference>): Value => {
    // v86's own type for small lists, which no machine of ours has.
    if (name === 'Map') return {};
    const Type = Object.hasOwn(types, String(name)) ? types[name as keyof typeof types] : undefined;
    const { offset = -1, length = -1 } = infos[id ?? -1] ?? {};
    const isThere =
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      start + offset + length <= total;
    if (!Type || !isThere || length % Type.BYTES_PER_ELEMENT) throw bad('it is damaged');
    const at = bytes.byteOffset + start + offset;
    if (Type === Uint8Array) return new Uint8Array(bytes.buffer, at, length);
    return new Type(bytes.slice(start + offset, start + offset + length).buffer);
  };
  const value = (json: unknown, depth: number): Value => {
    if (depth > depthLimit) throw bad('it is nested too deeply');
    if (Array.isArray(json)) return json.map((item) => value(item, depth + 1));
    if (typeof json === 'object' && json !== null) return arrayOf(json);
    return json as Value;
  };
  return value(state, 0);
}

function parse(info: Uint8Array): {
  state: unknown;
  buffer_infos: { offset?: number; length?: number }[];
} {
  try {
    const parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(info));
    if (Array.isArray(parsed.state) && Array.isArray(parsed.buffer_infos)) return parsed;
  } catch {
    // The error is thrown below.
  }
  throw bad('it is damaged');
}
