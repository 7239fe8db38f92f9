/** The manifest of a checkpoint: all state that is not in records, and the list of records. */

import { HoldfastError } from '../../errors.ts';
import type { SupplyReference } from '../../protocol/page-supply.ts';
import { decodeValue, encodeValue, type Value } from '../../vmstate/value.ts';
import { type Digest, decodeVmstate, encodeVmstate, type Section } from '../../vmstate/vmstate.ts';
import type { PieceLengths } from './large-pieces.ts';

const sectionVersions = { checkpoint: 1, vmstate: 1, keeper: 1 } as const;
/**
 * Version of `checkpoint` with pieces in parts. A build that supports only version 1 would lose
 * them.
 */
const withParts = 2;

/** Version of `checkpoint` with absent pages. An older build would take them for zeros. */
const withAbsent = 3;

/** Pages of `pc.ram` that had not arrived: they are in the state file that the guest was opened from. */
export interface StoredAbsent {
  reference: SupplyReference;
  /** One bit a page, the lowest first. */
  pages: Uint8Array;
}

/** Part of a RAM block that belongs to the guest. Page numbers count through all of these parts. */
export interface StoredRange {
  block: string;
  offsetBytes: number;
  pages: number;
}

export interface Manifest {
  takenAtMs: number;
  ranges: StoredRange[];
  /** Number of bytes that each console has written. */
  consoles: Record<string, number>;
  /** Generation of each set of pieces. */
  pieces: Record<string, number>;
  /** Lengths of the pieces that are stored in parts, see large-pieces.ts. Absent: none. */
  parts?: PieceLengths;
  /** Absent: the whole guest is in the records. */
  absent?: StoredAbsent | undefined;
  /** Device state, as the runtime saved it. */
  vmstate: Uint8Array;
  /** Other state of the keeper. */
  keeperState: Uint8Array;
}

/** `records`: ids of the live records, the oldest first. */
export function encodeManifest(
  manifest: Manifest,
  records: readonly number[],
  digest: Digest,
): Uint8Array {
  const { vmstate, keeperState, ranges, parts = {}, absent, ...rest } = manifest;
  const hasParts = Object.keys(parts).length > 0;
  const described: Value = {
    ...rest,
    ...(hasParts && { parts }),
    ...(absent && { absent: { ...absent, reference: { ...absent.reference } } }),
    ranges: ranges.map((range) => ({ ...range })),
    records: recordsDigest(records, digest),
  };
  const section = (
    name: keyof typeof sectionVersions,
    bytes: Uint8Array,
    version: number = sectionVersions[name],
  ): Section => ({
    name,
    version,
    required: true,
    bytes,
  });
  const version = absent ? withAbsent : hasParts ? withParts : undefined;
  return encodeVmstate(
    [
      section('checkpoint', encodeValue(described), version),
      section('vmstate', vmstate),
      section('keeper', keeperState),
    ],
    digest,
  );
}

/** @throws HoldfastError `storage-damaged` if it is damaged or the records do not match it. */
export function decodeManifest(
  bytes: Uint8Array,
  records: readonly number[],
  digest: Digest,
): Manifest {
  let sections: Section[];
  try {
    sections = decodeVmstate(bytes, digest);
  } catch (cause) {
    throw new HoldfastError('storage-damaged', 'The manifest of the stored guest is damaged.', {
      cause,
    });
  }
  for (const { name, version, required } of sections) {
    const isKnown =
      (sectionVersions as Record<string, number>)[name] === version ||
      (name === 'checkpoint' && (version === withParts || version === withAbsent));
    if (required && !isKnown)
      throw new HoldfastError(
        'runtime-incompatible',
        `The stored guest has version ${version} of "${name}", which this build does not know. Use a newer one.`,
      );
  }
  const bytesOf = (wanted: keyof typeof sectionVersions) => {
    const found = sections.find(({ name }) => name === wanted);
    if (!found) throw new HoldfastError('storage-damaged', `The stored guest has no "${wanted}".`);
    return found.bytes.slice();
  };
  const described = decodeValue(bytesOf('checkpoint')) as unknown as Omit<
    Manifest,
    'vmstate' | 'keeperState'
  > & { records: string };
  const { records: expected, ...rest } = described;
  if (expected !== recordsDigest(records, digest))
    throw new HoldfastError(
      'storage-damaged',
      'The list of records of the stored guest is not the one of its manifest.',
    );
  return { ...rest, vmstate: bytesOf('vmstate'), keeperState: bytesOf('keeper') };
}

function recordsDigest(records: readonly number[], digest: Digest): string {
  return digest(new Uint8Array(Float64Array.from(records).buffer)).toString(16);
}
