/** The device state of a guest, and what belongs to its moment: a state file's cut, a migration's device. */
import { jsonSection, readSection, sectionVersions, unknownSections } from './sections.ts';
import { type Digest, decodeVmstate, encodeVmstate, type Section } from './vmstate.ts';

export interface DeviceCut {
  takenAtMs: number;
  vmstate: Uint8Array<ArrayBuffer>;
  keeperState: Uint8Array<ArrayBuffer>;
  /** End of each console's output. */
  consoles: Record<string, number>;
  /** Generation of each set of pieces. */
  pieces: Record<string, number>;
}

const bytesSection = (name: 'vmstate' | 'keeper', bytes: Uint8Array): Section => ({
  name,
  version: sectionVersions[name],
  required: true,
  bytes,
});

export function encodeDeviceCut(
  { takenAtMs, consoles, pieces, vmstate, keeperState }: DeviceCut,
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  const cut = { takenAtMs, consoles: Object.entries(consoles), pieces: Object.entries(pieces) };
  const sections = [
    jsonSection('cut', cut),
    bytesSection('vmstate', vmstate),
    bytesSection('keeper', keeperState),
  ];
  return encodeVmstate(sections, digest);
}

/** Returns undefined for an envelope without device state. @throws HoldfastError `bad-vmstate` */
export function decodeDeviceCut(bytes: Uint8Array, digest: Digest): DeviceCut | undefined {
  const sections = decodeVmstate(bytes, digest);
  unknownSections(sections);
  const cut = readSection(sections, 'cut');
  const bytesOf = (wanted: string) => sections.find(({ name }) => name === wanted)?.bytes.slice();
  const vmstate = bytesOf('vmstate');
  const keeperState = bytesOf('keeper');
  if (!cut || !vmstate || !keeperState) return undefined;
  return {
    takenAtMs: cut.takenAtMs,
    vmstate,
    keeperState,
    consoles: Object.fromEntries(cut.consoles),
    pieces: Object.fromEntries(cut.pieces),
  };
}
