/** Disks and images that a state file carries, on their way to the page. */
import { freeBuffer } from '../protocol/free-buffer.ts';
import { badState } from './format/bad-state.ts';
import type { ContentsItem, StatePart } from './format/state-part.ts';
import type { SourceName } from './portable-config.ts';
import type { OpenCommand } from './worker-protocol.ts';

/**
 * Takes carried contents, if any.
 * @returns them, and the first part of another kind
 * @throws HoldfastError `bad-state-file`
 */
export async function takeContents(
  items: AsyncGenerator<StatePart>,
  carried: OpenCommand['carried'],
): Promise<{ contents?: Map<SourceName, Blob>; first?: StatePart | undefined }> {
  if (carried.size === 0) return {};
  const parts = new Map<SourceName, { blobs: Blob[]; bytes: number }>();
  for (const name of carried.keys()) parts.set(name, { blobs: [], bytes: 0 });
  let first: StatePart | undefined;
  /** The frame of the present parts. */
  let frame: ArrayBufferLike | undefined;
  for (;;) {
    const { done, value } = await items.next();
    if (done) break;
    if (value.kind !== 'contents') {
      first = value;
      break;
    }
    const { buffer } = value.blob.bytes;
    if (frame && frame !== buffer) freeBuffer(frame);
    frame = buffer;
    await takePart(value, parts, carried);
  }
  if (frame) freeBuffer(frame);
  for (const [name, { bytes }] of parts)
    if (bytes !== carried.get(name)) throw badState(`"${name}" is missing in this state file.`);
  const contents = new Map([...parts].map(([name, { blobs }]) => [name, new Blob(blobs)]));
  return { contents, first };
}

/** Takes a part. Resolves when the browser has stored it. */
async function takePart(
  { blob }: ContentsItem,
  parts: Map<SourceName, { blobs: Blob[]; bytes: number }>,
  carried: OpenCommand['carried'],
): Promise<void> {
  const name = blob.stream as SourceName;
  const found = parts.get(name);
  if (!found || found.bytes !== blob.offsetBytes || blob.totalBytes !== carried.get(name))
    throw badState('This state file carries something that its head does not name.');
  const part = new Blob([blob.bytes]);
  found.blobs.push(part);
  found.bytes += blob.bytes.length;
  // Until then this process holds its bytes, and the next parts may arrive faster than they leave.
  await part.slice(0, 1).arrayBuffer();
}
