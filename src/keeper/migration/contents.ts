/** Images and disks of a configuration, which travel before memory. */

import { type CarriedContents, contentsOf } from '../../protocol/carried-contents.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { type ImageName, imageKeys } from '../../protocol/images.ts';
import type { MigrationLink } from './link.ts';
import { refused } from './refused.ts';

const partBytes = 1 << 20;
/** Before the bytes: the image's number, a zero, and the offset as f64. */
const headBytes = 16;

export async function sendContents(link: MigrationLink, config: MachineConfig): Promise<void> {
  for (const [name, blob] of contentsOf(config)) {
    for (let at = 0; at < blob.size; at += partBytes) {
      const bytes = new Uint8Array(await blob.slice(at, at + partBytes).arrayBuffer());
      const body = new Uint8Array(headBytes + bytes.length);
      const view = new DataView(body.buffer);
      view.setUint32(0, imageKeys.indexOf(name), true);
      view.setFloat64(8, at, true);
      body.set(bytes, headBytes);
      await link.send('contents', body);
    }
  }
}

/**
 * Completes a configuration. Files stay in the browser's own storage of blobs, a part each.
 * @throws HoldfastError `migration-refused`
 */
export async function receiveContents(
  link: MigrationLink,
  config: MachineConfig,
  carried: ReadonlyMap<ImageName, CarriedContents>,
): Promise<MachineConfig> {
  const complete: Record<string, unknown> = { ...config };
  for (const name of imageKeys) {
    const expected = carried.get(name);
    if (!expected) continue;
    const { kind, sizeBytes, name: fileName, lastModifiedMs } = expected;
    const parts: BlobPart[] = [];
    for (let at = 0; at < sizeBytes; ) {
      const { body } = await link.receive('contents');
      const bytes = partOf(body, name, at, sizeBytes);
      parts.push(kind === 'file' ? new Blob([bytes]) : bytes.slice());
      at += bytes.length;
      link.took(body.length);
    }
    complete[name] =
      kind === 'file'
        ? { file: new File(parts, fileName, { lastModified: lastModifiedMs }) }
        : { bytes: joined(parts as Uint8Array[], sizeBytes) };
  }
  return complete as unknown as MachineConfig;
}

function partOf(
  body: Uint8Array<ArrayBuffer>,
  name: ImageName,
  at: number,
  sizeBytes: number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const bytes = body.length - headBytes;
  const isNext =
    bytes > 0 &&
    at + bytes <= sizeBytes &&
    imageKeys[view.getUint32(0, true)] === name &&
    view.getFloat64(8, true) === at;
  if (!isNext) throw refused(`A part of "${name}" is missing.`);
  return body.subarray(headBytes);
}

function joined(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
