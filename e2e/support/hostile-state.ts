/** Malicious state files: every digest fits, but the contents do not. */

import type { BlobItem } from '../../src/protocol/state-transfer.ts';
import { encodeBlobs } from '../../src/state-file/blob-group.ts';
import { loadCodec } from '../../src/state-file/codec.ts';
import {
  compressed,
  decodeFrameHeader,
  decodePreamble,
  encodeFrameHeader,
  encodePreamble,
  type FrameKind,
  frameHeaderBytes,
  frameKind,
  preambleBytes,
} from '../../src/state-file/frame.ts';
import { decodeHead, encodeHead } from '../../src/state-file/head.ts';
import type { JsonObject } from '../../src/vmstate/json.ts';

export interface Forgery {
  /** Merged into the configuration of the file. */
  config?: Record<string, unknown>;
  title?: string;
  base?: { url: string; digest: string };
  /** Blobs before the device state; lists of them become frames. */
  blobs?: Iterable<readonly BlobItem[]>;
  /** Parts of disks and images, before everything else. */
  contents?: Iterable<readonly BlobItem[]>;
}

/** @param state a whole state file */
export async function forge(
  state: Uint8Array,
  { config, title, base, blobs = [], contents = [] }: Forgery,
): Promise<Buffer> {
  const codec = await loadCodec();
  const headBytes = decodePreamble(state.subarray(0, preambleBytes));
  const framesAt = preambleBytes + headBytes;
  const head = decodeHead(Uint8Array.from(state.subarray(preambleBytes, framesAt)), codec.digest);
  const changed = encodeHead(
    {
      ...head,
      state: {
        ...head.state,
        ...(title !== undefined && { title }),
        ...(base && { base }),
        config: { ...head.state.config, ...config } as JsonObject & typeof head.state.config,
      },
    },
    codec.digest,
  );
  const digest = codec.newDigest();
  const parts: Uint8Array[] = [];
  const add = (part: Uint8Array) => {
    digest.update(part);
    parts.push(part);
  };
  const addFrames = (kind: FrameKind, frames: Iterable<readonly BlobItem[]>) => {
    for (const frame of frames) {
      const stored = compressed(encodeBlobs(frame), codec, 3);
      add(encodeFrameHeader(kind, stored, codec.digest));
      add(stored.bytes);
    }
  };
  add(encodePreamble(changed, codec.digest));
  add(changed);
  addFrames(frameKind.contents, contents);
  for (let at = framesAt; at < state.length; ) {
    const headerBytes = state.subarray(at, at + frameHeaderBytes);
    const { kind, storedBytes } = decodeFrameHeader(Uint8Array.from(headerBytes));
    const end = at + frameHeaderBytes + storedBytes;
    if (kind === frameKind.cut) addFrames(frameKind.blobs, blobs);
    if (kind === frameKind.end) {
      const last = new Uint8Array(8);
      new DataView(last.buffer).setBigUint64(0, digest.digest(), true);
      const stored = { bytes: last, rawBytes: last.length };
      parts.push(encodeFrameHeader(frameKind.end, stored, codec.digest), last);
    } else add(state.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** Returns a blob of zeros in parts of 4 MiB, a frame each. */
export function* zeros(stream: string, totalBytes: number): Generator<BlobItem[]> {
  const part = new Uint8Array(4 << 20);
  for (let offsetBytes = 0; offsetBytes < totalBytes; offsetBytes += part.length) {
    const bytes = part.subarray(0, Math.min(part.length, totalBytes - offsetBytes));
    yield [{ kind: 'blob', stream, index: 1, bytes, totalBytes, offsetBytes }];
  }
}

export const blob = (stream: string, index: number, bytes: Uint8Array): BlobItem => ({
  kind: 'blob',
  stream,
  index,
  bytes: Uint8Array.from(bytes),
  totalBytes: bytes.length,
  offsetBytes: 0,
});
