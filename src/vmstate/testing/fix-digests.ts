/** For tests: gives damaged vmstates matching digests, so that the damage passes them. */
import type { Digest } from '../envelope.ts';

const align8 = (value: number) => (value + 7) & ~7;

/**
 * Sets the digests of a vmstate of format version 1 or 2 in place.
 * Sections that do not fit, or are not found, stay as they are. Written apart from envelope.ts, after docs/spec/vmstate.md.
 */
export function fixDigests(state: Uint8Array, digest: Digest): void {
  if (state.length < 24) return;
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const isVersion1 = view.getUint32(8, true) === 1;
  let directory = digest(state.subarray(0, 16));
  let at = isVersion1 ? 16 : 24;
  for (let left = view.getUint32(12, true); left > 0 && at + 24 <= state.length; left--) {
    const length = view.getUint32(at + 8, true);
    const nameLength = view.getUint32(at + 12, true);
    const contents = at + align8(24 + nameLength);
    if (nameLength > 255 || contents + length > state.length) break;
    const name = state.subarray(at + 24, at + 24 + nameLength);
    const header = digest(state.subarray(at, at + 16));
    const bytes = state.subarray(contents, contents + length);
    view.setBigUint64(at + 16, digest(bytes, digest(name, header)), true);
    directory = digest(state.subarray(at, at + 24), directory);
    at = contents + align8(length);
  }
  if (!isVersion1) view.setBigUint64(16, directory, true);
}
