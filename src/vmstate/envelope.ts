/**
 * The vmstate container: named, versioned sections, each with a digest, and a digest over all of
 * their headers. See docs/spec/vmstate.md, "Envelope" and "Sections"; the rule ids in the comments are its.
 */
import { HoldfastError } from '../errors.ts';

/** [EN1] "HOLDFAST" as bytes. */
const magic = Uint8Array.of(0x48, 0x4f, 0x4c, 0x44, 0x46, 0x41, 0x53, 0x54);

/** [EN2] The container's own version; sections carry theirs. */
export const formatVersion = 2;

/** [SE4] A reader that does not know a required section must refuse the state. */
const flagRequired = 1;

/** [LM1] Limits that hold before anything is allocated. */
export const limits = {
  sections: 256,
  nameBytes: 255,
  /** Device state is a few hundred KiB; a vmstate never contains RAM. */
  sectionBytes: 64 * 1024 * 1024,
} as const;

export interface Section {
  name: string;
  /** [SE2] Version of the contents, from 1. */
  version: number;
  required: boolean;
  bytes: Uint8Array;
}

/** xxHash64. */
export type Digest = (bytes: Uint8Array, seed?: bigint) => bigint;

/** Magic, version u32, number of sections u32, from version 2 on the directory's digest u64. */
export const headerBytes = 24;
export const headerBytesOfVersion1 = 16;
/** Part of the header and of each section's header that the digests cover: all but the digest. */
const coveredBytes = 16;
/** Per section: flags u32, version u32, length u32, name length u32, digest u64. */
const sectionHeaderBytes = 24;

const align8 = (value: number) => (value + 7) & ~7;
export const bad = (sentence: string) =>
  new HoldfastError('bad-vmstate', `${sentence} The guest that is running was not touched.`);

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** [SE3] The digest covers the section's header, then its name, then its bytes. */
const sectionDigest = (digest: Digest, header: Uint8Array, name: Uint8Array, bytes: Uint8Array) =>
  digest(bytes, digest(name, digest(header)));

/** Position of a section in the file, in bytes from its start. */
interface Placed {
  header: number;
  nameLength: number;
  contents: number;
  length: number;
  /** Start of the next section. */
  end: number;
}

/**
 * Walks the headers of `count` sections, the first at `offset`. Allocates nothing whose size the
 * file determines.
 * @throws {HoldfastError} `bad-vmstate` unless they are exactly the rest of the file. [EN3] [LM1]
 */
function* placedSections(state: Uint8Array, offset: number): Generator<Placed> {
  const view = viewOf(state);
  const count = view.getUint32(12, true);
  if (count > limits.sections) throw bad(`This vmstate claims ${count} sections.`);
  let header = offset;
  for (let i = 0; i < count; i++) {
    if (header + sectionHeaderBytes > state.length) throw bad('This vmstate is cut off.');
    const length = view.getUint32(header + 8, true);
    const nameLength = view.getUint32(header + 12, true);
    if (nameLength === 0 || nameLength > limits.nameBytes || length > limits.sectionBytes)
      throw bad('This vmstate has an invalid section header.');
    const contents = header + align8(sectionHeaderBytes + nameLength);
    const end = contents + align8(length);
    if (end > state.length) throw bad('This vmstate is cut off.');
    yield { header, nameLength, contents, length, end };
    header = end;
  }
  if (header !== state.length) throw bad('This vmstate has bytes after its last section.');
}

/**
 * [EN5] Returns the digest over the header, then over the header of each section, in file order.
 */
export function directoryDigest(state: Uint8Array, firstSection: number, digest: Digest): bigint {
  let result = digest(state.subarray(0, coveredBytes));
  for (const { header } of placedSections(state, firstSection))
    result = digest(state.subarray(header, header + sectionHeaderBytes), result);
  return result;
}

/** "HOLDSTAT": the magic of a state file, a machine with its RAM. */
const stateFileMagic = Uint8Array.of(0x48, 0x4f, 0x4c, 0x44, 0x53, 0x54, 0x41, 0x54);

const isStateFile = (bytes: Uint8Array) => stateFileMagic.every((byte, at) => bytes[at] === byte);

/** Returns true if the bytes begin like a vmstate. */
export const isVmstate = (bytes: Uint8Array): boolean =>
  magic.every((byte, at) => bytes[at] === byte);

/**
 * @returns the format version in the header.
 * @throws {HoldfastError} `bad-vmstate` if they are not a vmstate at all. [EN1]
 */
export function claimedVersion(state: Uint8Array): number {
  if (state.length < headerBytesOfVersion1 || magic.some((byte, i) => state[i] !== byte))
    throw bad(
      isStateFile(state)
        ? 'This is a state file: a whole machine. Open it with openState, or drop it on the page.'
        : 'These bytes are not a Holdfast vmstate.',
    );
  return viewOf(state).getUint32(8, true);
}

/** @throws {HoldfastError} `internal` for sections that {@link decodeEnvelope} would refuse. */
export function encodeEnvelope(
  sections: readonly Section[],
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  const named = sections.map((section) => ({
    ...section,
    nameBytes: new TextEncoder().encode(section.name),
  }));
  checkEncodable(named);
  let total = headerBytes;
  for (const { nameBytes, bytes } of named)
    total += align8(sectionHeaderBytes + nameBytes.length) + align8(bytes.length);

  const out = new Uint8Array(total);
  const view = viewOf(out);
  out.set(magic);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, named.length, true);
  let offset = headerBytes;
  for (const { nameBytes, version, required, bytes } of named) {
    view.setUint32(offset, required ? flagRequired : 0, true);
    view.setUint32(offset + 4, version, true);
    view.setUint32(offset + 8, bytes.length, true);
    view.setUint32(offset + 12, nameBytes.length, true);
    const header = out.subarray(offset, offset + coveredBytes);
    view.setBigUint64(offset + 16, sectionDigest(digest, header, nameBytes, bytes), true);
    out.set(nameBytes, offset + sectionHeaderBytes);
    offset += align8(sectionHeaderBytes + nameBytes.length);
    out.set(bytes, offset);
    offset += align8(bytes.length);
  }
  view.setBigUint64(16, directoryDigest(out, headerBytes, digest), true);
  return out;
}

function checkEncodable(named: readonly (Section & { nameBytes: Uint8Array })[]): void {
  const names = new Set(named.map(({ name }) => name));
  const fits = ({ nameBytes, bytes }: { nameBytes: Uint8Array; bytes: Uint8Array }) =>
    nameBytes.length > 0 &&
    nameBytes.length <= limits.nameBytes &&
    bytes.length <= limits.sectionBytes;
  if (names.size === named.length && named.length <= limits.sections && named.every(fits)) return;
  throw new HoldfastError(
    'internal',
    `These sections do not make a vmstate: ${[...names].join(', ')}.`,
  );
}

/**
 * Decodes an envelope of this build's {@link formatVersion}.
 * @returns the sections in file order; their bytes are views into `state`.
 * @throws {HoldfastError} `bad-vmstate` if it is damaged.
 */
export function decodeEnvelope(state: Uint8Array, digest: Digest): Section[] {
  if (state.length < headerBytes) throw bad('This vmstate is cut off.');
  const view = viewOf(state);
  if (directoryDigest(state, headerBytes, digest) !== view.getBigUint64(16, true))
    throw bad('The list of sections of this vmstate is damaged.');

  const sections: Section[] = [];
  const names = new Set<string>();
  for (const placed of placedSections(state, headerBytes)) {
    const section = decodeSection(state, placed, digest);
    if (names.has(section.name))
      throw bad(`This vmstate has two sections named "${section.name}".`);
    names.add(section.name);
    sections.push(section);
  }
  return sections;
}

function decodeSection(state: Uint8Array, placed: Placed, digest: Digest): Section {
  const { header: offset, nameLength, contents, length, end } = placed;
  const view = viewOf(state);
  const nameStart = offset + sectionHeaderBytes;
  // Copied, because the platforms' decoders accept no view of a shared buffer.
  const nameBytes = state.slice(nameStart, nameStart + nameLength);
  const name = decodeName(nameBytes);
  const bytes = state.subarray(contents, contents + length);
  const header = state.subarray(offset, offset + coveredBytes);
  if (sectionDigest(digest, header, nameBytes, bytes) !== view.getBigUint64(offset + 16, true))
    throw bad(`The section "${name}" of this vmstate is damaged.`);
  const flags = view.getUint32(offset, true);
  const version = view.getUint32(offset + 4, true);
  // [SE2]
  if ((flags & ~flagRequired) !== 0 || version === 0)
    throw bad(`The section "${name}" of this vmstate has an invalid header.`);
  // [SE5]
  const isZero = (byte: number) => byte === 0;
  const paddings = [
    state.subarray(nameStart + nameLength, contents),
    state.subarray(contents + length, end),
  ];
  if (!paddings.every((padding) => padding.every(isZero)))
    throw bad(`The section "${name}" of this vmstate is damaged.`);
  return { name, version, required: flags === flagRequired, bytes };
}

/** [SE1] */
function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bad('This vmstate has a section whose name is not text.');
  }
}
