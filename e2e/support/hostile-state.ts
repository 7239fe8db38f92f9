/** Malicious state files: every digest fits, but the contents do not. */

import type { BlobItem } from '../../src/protocol/state-transfer.ts';
import { encodeBlobs } from '../../src/state-file/format/blob-group.ts';
import { loadCodec } from '../../src/state-file/format/codec.ts';
import { type FrameKind, frameKind } from '../../src/state-file/format/frame.ts';
import { type Part, putTogether, takeApart } from '../../src/state-file/testing/assemble-state.ts';
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
  const { format, head, parts } = takeApart(state, codec);
  const changed = {
    ...head,
    state: {
      ...head.state,
      ...(title !== undefined && { title }),
      ...(base && { base }),
      config: { ...head.state.config, ...config } as JsonObject & typeof head.state.config,
    },
  };
  const framesOf = (kind: FrameKind, frames: Iterable<readonly BlobItem[]>): Part[] =>
    Array.from(frames, (frame) => ({ kind, raw: encodeBlobs(frame) }));
  const isOfMemory = ({ kind }: Part) => kind !== frameKind.hotPages && kind !== frameKind.cut;
  const all = [
    ...framesOf(frameKind.contents, contents),
    ...parts.filter(isOfMemory),
    ...framesOf(frameKind.blobs, blobs),
    ...parts.filter((part) => !isOfMemory(part)),
  ];
  return Buffer.from(putTogether({ format, head: changed, parts: all }, codec));
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
