/**
 * A state file: magic, a head, then frames up to the `end` frame. See docs/spec/state-file.md, "Layout" and
 * "Frames"; the rule ids in the comments are from that page.
 */
import { type Digest, isVmstate } from '../../vmstate/vmstate.ts';
import { badState } from './bad-state.ts';
import type { Codec, ReadingCodec } from './codec.ts';
import { stateLimits } from './state-limits.ts';

/** [SF1] "HOLDSTAT" as bytes. */
const stateMagic = Uint8Array.of(0x48, 0x4f, 0x4c, 0x44, 0x53, 0x54, 0x41, 0x54);
/** [SF2] The version that this build writes. It also reads version 1. */
const stateFormatVersion = 2;
export type StateFormat = 1 | typeof stateFormatVersion;
/** Magic, format version u32, length of the head u32, digest of the head u64. */
export const preambleBytes = 24;
export const frameHeaderBytes = 24;

export const frameKind = {
  pages: 1,
  blobs: 2,
  cut: 3,
  contents: 4,
  end: 5,
  /** From format 2 on. */
  hotPages: 6,
  index: 7,
} as const;
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

const codecs = { none: 0, zstd: 1 } as const;

export interface FrameHeader {
  kind: FrameKind;
  storedBytes: number;
  rawBytes: number;
  isCompressed: boolean;
  digest: bigint;
  bytes: Uint8Array;
}

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function encodePreamble(
  head: Uint8Array,
  digest: Digest,
  format: StateFormat = stateFormatVersion,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(preambleBytes);
  const view = viewOf(out);
  out.set(stateMagic);
  view.setUint32(8, format, true);
  view.setUint32(12, head.length, true);
  view.setBigUint64(16, digest(head, digest(out.subarray(0, 16))), true);
  return out;
}

/** @throws HoldfastError `bad-state-file` */
export function decodePreamble(bytes: Uint8Array): { format: StateFormat; headBytes: number } {
  if (stateMagic.some((byte, i) => bytes[i] !== byte))
    throw badState(
      isVmstate(bytes)
        ? 'This is a vmstate, which cprsave writes: device state without RAM. Load it with cprload.'
        : 'This is not a state file of Holdfast.',
    );
  const view = viewOf(bytes);
  const format = view.getUint32(8, true);
  if (format !== 1 && format !== stateFormatVersion) {
    throw badState(
      `This state file has format version ${format}, this build reads versions 1 and ${stateFormatVersion}. Use a newer build.`,
    );
  }
  const headBytes = view.getUint32(12, true);
  if (headBytes > stateLimits.headBytes)
    throw badState(`This state file claims a head of ${headBytes} bytes.`);
  return { format, headBytes };
}

export function checkHead(preamble: Uint8Array, head: Uint8Array, digest: Digest): void {
  const expected = viewOf(preamble).getBigUint64(16, true);
  if (digest(head, digest(preamble.subarray(0, 16))) !== expected)
    throw badState('The head of this state file is damaged.');
}

/** The stored contents of a frame. */
export interface Stored {
  /** All of their buffer. */
  bytes: Uint8Array<ArrayBuffer>;
  rawBytes: number;
}

/** Compresses bytes, or keeps them if compression gains nothing. */
export function compressed(raw: Uint8Array<ArrayBuffer>, codec: Codec, level: number): Stored {
  const bytes = raw.length > 0 ? codec.compress(raw, level) : raw;
  return { bytes: bytes.length < raw.length ? bytes : raw, rawBytes: raw.length };
}

export function encodeFrameHeader(
  kind: FrameKind,
  { bytes, rawBytes }: Stored,
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(frameHeaderBytes);
  const view = viewOf(out);
  view.setUint32(0, kind, true);
  view.setUint32(4, bytes.length, true);
  view.setUint32(8, rawBytes, true);
  view.setUint32(12, bytes.length < rawBytes ? codecs.zstd : codecs.none, true);
  view.setBigUint64(16, digest(bytes, digest(out.subarray(0, 16))), true);
  return out;
}

/** Kinds of frames of each format, with the limit of their size, as stored and when decompressed. */
const limits: Record<StateFormat, ReadonlyMap<number, number>> = {
  1: new Map([
    [frameKind.pages, stateLimits.frameBytes],
    [frameKind.blobs, stateLimits.frameBytes],
    [frameKind.contents, stateLimits.frameBytes],
    [frameKind.cut, stateLimits.cutBytes],
    [frameKind.end, stateLimits.frameBytes],
  ]),
  2: new Map([
    [frameKind.pages, stateLimits.packBytes],
    [frameKind.hotPages, stateLimits.packBytes],
    [frameKind.blobs, stateLimits.frameBytes],
    [frameKind.contents, stateLimits.frameBytes],
    [frameKind.cut, stateLimits.cutBytes],
    [frameKind.index, stateLimits.indexBytes],
    [frameKind.end, stateLimits.packBytes],
  ]),
};

/** @throws HoldfastError `bad-state-file` */
export function decodeFrameHeader(bytes: Uint8Array, format: StateFormat): FrameHeader {
  const view = viewOf(bytes);
  const kind = view.getUint32(0, true);
  const storedBytes = view.getUint32(4, true);
  const rawBytes = view.getUint32(8, true);
  const codec = view.getUint32(12, true);
  const limit = limits[format].get(kind) ?? -1;
  const isSound =
    (codec === codecs.none ? storedBytes === rawBytes : codec === codecs.zstd) &&
    storedBytes <= limit &&
    rawBytes <= limit;
  if (!isSound) throw badState('This state file has a part with an invalid header.');
  return {
    kind: kind as FrameKind,
    storedBytes,
    rawBytes,
    isCompressed: codec === codecs.zstd,
    digest: view.getBigUint64(16, true),
    bytes,
  };
}

/** @throws HoldfastError `bad-state-file` */
export function decodeFrame(
  header: FrameHeader,
  stored: Uint8Array<ArrayBuffer>,
  codec: ReadingCodec,
): Uint8Array<ArrayBuffer> {
  if (codec.digest(stored, codec.digest(header.bytes.subarray(0, 16))) !== header.digest)
    throw badState('A part of this state file is damaged.');
  return header.isCompressed ? codec.decompress(stored, header.rawBytes) : stored;
}
