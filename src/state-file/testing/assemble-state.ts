/** For tests: takes state files apart and puts them together, with digests that fit. */
import type { Codec } from '../format/codec.ts';
import { type EndOfFile, encodeEnd, fileDigest } from '../format/end-frame.ts';
import {
  compressed,
  decodeFrame,
  decodeFrameHeader,
  decodePreamble,
  encodeFrameHeader,
  encodePreamble,
  type FrameKind,
  frameHeaderBytes,
  frameKind,
  preambleBytes,
  type StateFormat,
  type Stored,
} from '../format/frame.ts';
import { FrameHeaders } from '../format/frame-headers.ts';
import { decodeHead, encodeHead, pageCountOf, type StateHead } from '../format/head.ts';
import { decodePageGroup } from '../format/page-group.ts';
import { PageSources } from '../format/page-sources.ts';
import { encodeIndex } from '../format/state-index.ts';

export interface Part {
  kind: FrameKind;
  raw: Uint8Array<ArrayBuffer>;
}

export interface TakenApart {
  format: StateFormat;
  head: StateHead;
  /** Without index and end. */
  parts: Part[];
}

/** @param state a whole state file */
export function takeApart(state: Uint8Array, codec: Codec): TakenApart {
  const { format, headBytes } = decodePreamble(state.subarray(0, preambleBytes));
  const framesAt = preambleBytes + headBytes;
  const head = decodeHead(state.slice(preambleBytes, framesAt), codec.digest);
  const parts: Part[] = [];
  for (let at = framesAt; at < state.length; ) {
    const header = decodeFrameHeader(state.slice(at, at + frameHeaderBytes), format);
    const end = at + frameHeaderBytes + header.storedBytes;
    const stored = Uint8Array.from(state.subarray(at + frameHeaderBytes, end));
    if (header.kind !== frameKind.index && header.kind !== frameKind.end)
      parts.push({ kind: header.kind, raw: decodeFrame(header, stored, codec) });
    at = end;
  }
  return { format, head, parts };
}

/** Damage by intent. */
interface Spoils {
  /** Replaces what a frame of this number is stored as. */
  stored?: (stored: Stored, number: number) => Stored;
  index?: (raw: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
  end?: (end: EndOfFile) => EndOfFile;
  /** Goes between the last frame and the index. */
  gap?: Uint8Array;
}

export function putTogether(
  { format, head, parts }: TakenApart,
  codec: Codec,
  {
    stored: changed = (stored) => stored,
    index = (raw) => raw,
    end = (last) => last,
    gap,
  }: Spoils = {},
): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const running = codec.newDigest();
  let at = 0;
  const add = (bytes: Uint8Array) => {
    running.update(bytes);
    chunks.push(bytes);
    at += bytes.length;
  };
  const frame = (kind: FrameKind, stored: Stored) => {
    const header = encodeFrameHeader(kind, stored, codec.digest);
    add(header);
    add(stored.bytes);
    return header;
  };
  const headBytes = encodeHead(head, codec.digest);
  const preamble = encodePreamble(headBytes, codec.digest, format);
  add(preamble);
  add(headBytes);
  const pageCount = pageCountOf(head);
  const sources = new PageSources(pageCount, head.state.base !== undefined);
  const headers = new FrameHeaders();
  let tailAt: number | undefined;
  for (const [number, { kind, raw }] of parts.entries()) {
    if (kind === frameKind.hotPages || kind === frameKind.cut) tailAt ??= at;
    if (format === 2 && (kind === frameKind.pages || kind === frameKind.hotPages))
      sources.apply(number, decodePageGroup(raw.slice(), pageCount, 2));
    headers.add(frame(kind, changed(compressed(raw, codec, 3), number)));
  }
  const last = (bytes: Uint8Array<ArrayBuffer>) =>
    frame(frameKind.end, { bytes, rawBytes: bytes.length });
  if (format === 1) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, running.digest(), true);
    last(bytes);
    return joined(chunks);
  }
  if (gap) add(gap);
  const indexAt = at;
  const raw = index(encodeIndex(headers, sources));
  const header = frame(frameKind.index, compressed(raw, codec, 3));
  const digest = fileDigest(preamble, header, codec.digest);
  last(encodeEnd(end({ digest, tailAt: tailAt ?? indexAt, indexAt })));
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
