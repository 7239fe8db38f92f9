/** Address of the pattern guest's header (tools/guests/pattern/pattern.asm). */
const HEADER_ADDRESS = 0x8000;
const HEADER_BYTES = 40;
const MAGIC = 0x47504648;
const VERSION = 1;
const SLICE_BYTES = 1024 * 1024;

/**
 * Result of a check of the pattern guest's memory.
 *
 * `edge` is the guest-physical address of the first dword that pass `pass` has not written yet. It is
 * null if the pass is complete.
 */
export type PatternResult =
  | { readonly ok: true; readonly pass: number; readonly edge: number | null }
  | { readonly ok: false; readonly reason: string; readonly address: number };

/**
 * Checks every dword of a stopped pattern guest.
 *
 * The guest writes the pass number N over its RAM from 1 MiB up, then over its frame buffer. It never
 * stops. RAM and frame buffer together are one sequence: N up to a single edge, and N-1 after it. A dword
 * that a save or a load lost, tore or moved breaks the sequence. So does one from another moment. The
 * reported address is the first that contradicts the edge before it. A stale dword looks like an edge,
 * and the fresh one after it contradicts it.
 *
 * The check holds from the moment the guest has published its header until its machine is reset. Before
 * that it fails at the header's address.
 *
 * @param read Returns `length` bytes at a guest-physical address, frame buffer addresses included. A view
 * and a copy are both allowed: the bytes are not kept. No call reads more than 1 MiB, and none spans RAM
 * and frame buffer.
 */
export function checkPattern(read: (address: number, length: number) => Uint8Array): PatternResult {
  const header = readDwords(read, HEADER_ADDRESS, HEADER_BYTES);
  const [magic, version, ramStart = 0, ramEnd = 0, lfbStart = 0, lfbEnd = 0, pass = 0] = header;
  if (magic !== MAGIC) {
    return failure(`no pattern header: magic is ${hex(magic ?? 0)}`, HEADER_ADDRESS);
  }
  if (version !== VERSION) {
    return failure(`pattern header version ${String(version)} is not ${VERSION}`, HEADER_ADDRESS);
  }
  if (ramStart >= ramEnd || lfbStart > lfbEnd) {
    return failure('pattern header holds an empty or inverted region', HEADER_ADDRESS);
  }

  const before = (pass - 1) >>> 0;
  let edge: number | null = null;
  for (const [start, end] of [
    [ramStart, ramEnd],
    [lfbStart, lfbEnd],
  ] as const) {
    for (let address = start; address < end; address += SLICE_BYTES) {
      const dwords = readDwords(read, address, Math.min(SLICE_BYTES, end - address));
      let index = 0;
      if (edge === null) {
        index = countLeading(dwords, pass, 0);
        if (index === dwords.length) continue;
        edge = address + index * 4;
        // Before the first pass no older value could follow.
        if (pass === 0) return mismatch(dwords, index, address, 'pass 0, which is all zero');
      }
      index = countLeading(dwords, before, index);
      if (index < dwords.length) {
        return mismatch(dwords, index, address, `pass ${pass} whose edge is ${hex(edge)}`);
      }
    }
  }
  return { ok: true, pass, edge };
}

/** Returns the index of the first dword from `from` on that is not `value`. */
function countLeading(dwords: Uint32Array, value: number, from: number): number {
  const { length } = dwords;
  let index = from;
  while (index < length && dwords[index] === value) index += 1;
  return index;
}

function readDwords(
  read: (address: number, length: number) => Uint8Array,
  address: number,
  length: number,
): Uint32Array {
  const bytes = read(address, length);
  if (bytes.byteLength !== length) {
    throw new RangeError(`read(${hex(address)}, ${length}) returned ${bytes.byteLength} bytes`);
  }
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, length / 4);
}

function mismatch(
  dwords: Uint32Array,
  index: number,
  address: number,
  place: string,
): PatternResult {
  return failure(`found ${hex(dwords[index] ?? 0)} in ${place}`, address + index * 4);
}

function failure(reason: string, address: number): PatternResult {
  return { ok: false, reason, address };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
