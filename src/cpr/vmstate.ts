/**
 * The vmstate container: named, versioned sections, each with a digest.
 * The format is specified in SPEC.md; the rule ids in the comments are its.
 */
import { CprError } from '../errors.ts';

/** [EN1] "HOLDFAST" as bytes. */
export const magic = Uint8Array.of(0x48, 0x4f, 0x4c, 0x44, 0x46, 0x41, 0x53, 0x54);

/** [EN2] The container's own version; sections carry theirs. */
export const formatVersion = 1;

/** [SE4] A reader that does not know a required section must refuse the state. */
const flagRequired = 1;

/** [LM1] Limits that hold before anything is allocated. */
export const limits = {
  sections: 256,
  nameBytes: 255,
  /** Device state is a few hundred KiB; RAM never travels in here. */
  sectionBytes: 64 * 1024 * 1024,
} as const;

export interface Section {
  name: string;
  version: number;
  required: boolean;
  bytes: Uint8Array;
}

/** xxHash64. */
export type Digest = (bytes: Uint8Array, seed?: bigint) => bigint;

const headerBytes = 16;
/** Per section: flags u32, version u32, length u32, name length u32, digest u64. */
const sectionHeaderBytes = 24;

/** [SE3] The digest covers the section's header, then its name, then its bytes. */
const sectionDigest = (digest: Digest, header: Uint8Array, name: Uint8Array, bytes: Uint8Array) =>
  digest(bytes, digest(name, digest(header)));

const align8 = (value: number) => (value + 7) & ~7;
const bad = (sentence: string) =>
  new CprError('bad-vmstate', `${sentence} The guest that is running was not touched.`);

export function encodeVmstate(sections: readonly Section[], digest: Digest): Uint8Array {
  const named = sections.map((section) => ({
    ...section,
    nameBytes: new TextEncoder().encode(section.name),
  }));
  let total = headerBytes;
  for (const { nameBytes, bytes } of named)
    total += align8(sectionHeaderBytes + nameBytes.length) + align8(bytes.length);

  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  out.set(magic);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, named.length, true);
  let offset = headerBytes;
  for (const { nameBytes, version, required, bytes } of named) {
    view.setUint32(offset, required ? flagRequired : 0, true);
    view.setUint32(offset + 4, version, true);
    view.setUint32(offset + 8, bytes.length, true);
    view.setUint32(offset + 12, nameBytes.length, true);
    const header = out.subarray(offset, offset + 16);
    view.setBigUint64(offset + 16, sectionDigest(digest, header, nameBytes, bytes), true);
    out.set(nameBytes, offset + sectionHeaderBytes);
    offset += align8(sectionHeaderBytes + nameBytes.length);
    out.set(bytes, offset);
    offset += align8(bytes.length);
  }
  return out;
}

/**
 * @returns the sections in file order; their bytes are views into `state`.
 * @throws {CprError} `bad-vmstate`: not a vmstate, damaged, or from a newer format.
 */
export function decodeVmstate(state: Uint8Array, digest: Digest): Section[] {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  // [EN1]
  if (state.length < headerBytes || magic.some((byte, i) => state[i] !== byte))
    throw bad('These bytes are not a Holdfast vmstate.');
  const version = view.getUint32(8, true);
  if (version !== formatVersion)
    throw bad(
      `This vmstate has format version ${version}; this build reads ${formatVersion}. Use the build that saved it.`,
    );
  const count = view.getUint32(12, true);
  if (count > limits.sections) throw bad(`This vmstate claims ${count} sections.`);

  const sections: Section[] = [];
  let offset = headerBytes;
  for (let i = 0; i < count; i++) {
    if (offset + sectionHeaderBytes > state.length) throw bad('This vmstate is cut off.');
    const flags = view.getUint32(offset, true);
    const length = view.getUint32(offset + 8, true);
    const nameLength = view.getUint32(offset + 12, true);
    if (nameLength === 0 || nameLength > limits.nameBytes || length > limits.sectionBytes)
      throw bad('This vmstate has a section header that makes no sense.');
    const start = offset + align8(sectionHeaderBytes + nameLength);
    if (start + length > state.length) throw bad('This vmstate is cut off.');
    const nameStart = offset + sectionHeaderBytes;
    const nameBytes = state.slice(nameStart, nameStart + nameLength);
    const name = new TextDecoder().decode(nameBytes);
    // [EN4]
    if (sections.some((section) => section.name === name))
      throw bad(`This vmstate has two sections named "${name}".`);
    const bytes = state.subarray(start, start + length);
    const header = state.subarray(offset, offset + 16);
    if (sectionDigest(digest, header, nameBytes, bytes) !== view.getBigUint64(offset + 16, true))
      throw bad(`The section "${name}" of this vmstate is damaged.`);
    sections.push({
      name,
      version: view.getUint32(offset + 4, true),
      required: (flags & flagRequired) !== 0,
      bytes,
    });
    offset = start + align8(length);
  }
  // [EN3]
  if (offset !== state.length) throw bad('This vmstate goes on after its last section.');
  return sections;
}
