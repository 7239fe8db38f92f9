/** The head and the cut of a state file: vmstate envelopes with the sections of src/vmstate. */

import { HoldfastError } from '../errors.ts';
import type { DeviceStateItem } from '../protocol/state-transfer.ts';
import {
  type CutSection,
  jsonSection,
  readSection,
  type StateSection,
  sectionVersions,
  unknownSections,
} from '../vmstate/sections.ts';
import { type Digest, decodeVmstate, encodeVmstate, type Section } from '../vmstate/vmstate.ts';
import { badState } from './bad-state.ts';
import { stateLimits } from './state-limits.ts';

export interface StateHead {
  state: StateSection;
  /** A PNG picture of the screen. */
  thumbnail?: Uint8Array<ArrayBuffer> | undefined;
}

const bytesSection = (
  name: 'thumbnail' | 'vmstate' | 'keeper',
  bytes: Uint8Array,
  required: boolean,
): Section => ({ name, version: sectionVersions[name], required, bytes });

export function encodeHead(
  { state, thumbnail }: StateHead,
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  const sections = [jsonSection('state', state)];
  if (thumbnail) sections.push(bytesSection('thumbnail', thumbnail, false));
  return encodeVmstate(sections, digest);
}

/** @throws HoldfastError `bad-state-file` */
export function decodeHead(bytes: Uint8Array, digest: Digest): StateHead {
  return asStateFile(() => {
    const sections = decodeVmstate(bytes, digest);
    unknownSections(sections);
    const state = readSection(sections, 'state');
    if (!state) throw badState('This state file does not say what it is.');
    const pages = state.ranges.reduce((sum, range) => sum + range.pages, 0);
    if (pages > stateLimits.pages)
      throw badState(`This state file claims a machine of ${pages} pages.`);
    const thumbnail = sections.find(({ name }) => name === 'thumbnail')?.bytes.slice();
    if (thumbnail && thumbnail.length > stateLimits.thumbnailBytes)
      throw badState('The picture in this state file is too large.');
    return { state, thumbnail };
  });
}

export function encodeCut(cut: DeviceStateItem, digest: Digest): Uint8Array<ArrayBuffer> {
  const { takenAtMs, consoles, pieces, vmstate, keeperState } = cut;
  const described: CutSection = {
    takenAtMs,
    consoles: Object.entries(consoles),
    pieces: Object.entries(pieces),
  };
  return encodeVmstate(
    [
      jsonSection('cut', described),
      bytesSection('vmstate', vmstate, true),
      bytesSection('keeper', keeperState, true),
    ],
    digest,
  );
}

/** @throws HoldfastError `bad-state-file` */
export function decodeCut(bytes: Uint8Array, digest: Digest): DeviceStateItem {
  return asStateFile(() => {
    const sections = decodeVmstate(bytes, digest);
    unknownSections(sections);
    const cut = readSection(sections, 'cut');
    const vmstate = sections.find(({ name }) => name === 'vmstate')?.bytes.slice();
    const keeperState = sections.find(({ name }) => name === 'keeper')?.bytes.slice();
    if (!cut || !vmstate || !keeperState) throw badState('This state file holds no device state.');
    return {
      kind: 'cut',
      takenAtMs: cut.takenAtMs,
      vmstate,
      keeperState,
      consoles: Object.fromEntries(cut.consoles),
      pieces: Object.fromEntries(cut.pieces),
    };
  });
}

/** Converts errors of an envelope to errors of the state file around it. */
function asStateFile<T>(decode: () => T): T {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof HoldfastError && thrown.code === 'bad-vmstate')
      throw new HoldfastError('bad-state-file', thrown.message.replaceAll('vmstate', 'state file'));
    throw thrown;
  }
}
