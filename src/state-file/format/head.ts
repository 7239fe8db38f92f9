/** The head and the cut of a state file: vmstate envelopes with the sections of src/vmstate. */

import { HoldfastError } from '../../errors.ts';
import type { DeviceStateItem } from '../../protocol/state-transfer.ts';
import { decodeDeviceCut } from '../../vmstate/device-cut.ts';
import {
  jsonSection,
  readSection,
  type StateSection,
  sectionVersions,
  unknownSections,
} from '../../vmstate/sections.ts';
import { type Digest, decodeVmstate, encodeVmstate } from '../../vmstate/vmstate.ts';
import { badState } from './bad-state.ts';
import { stateLimits } from './state-limits.ts';

export interface StateHead {
  state: StateSection;
  /** A PNG picture of the screen. */
  thumbnail?: Uint8Array<ArrayBuffer> | undefined;
}

/** Returns the number of pages of a machine. */
export const pageCountOf = ({ state }: StateHead) =>
  state.ranges.reduce((sum, { pages }) => sum + pages, 0);

export function encodeHead(
  { state, thumbnail }: StateHead,
  digest: Digest,
): Uint8Array<ArrayBuffer> {
  const sections = [jsonSection('state', state)];
  if (thumbnail) {
    const version = sectionVersions.thumbnail;
    sections.push({ name: 'thumbnail', version, required: false, bytes: thumbnail });
  }
  return encodeVmstate(sections, digest);
}

/** @throws HoldfastError `bad-state-file` */
export function decodeHead(bytes: Uint8Array, digest: Digest): StateHead {
  return asStateFile(() => {
    const sections = decodeVmstate(bytes, digest);
    unknownSections(sections);
    const state = readSection(sections, 'state');
    if (!state) throw badState('This state file does not say what it is.');
    const pages = pageCountOf({ state });
    if (pages > stateLimits.pages)
      throw badState(`This state file claims a machine of ${pages} pages.`);
    const thumbnail = sections.find(({ name }) => name === 'thumbnail')?.bytes.slice();
    if (thumbnail && thumbnail.length > stateLimits.thumbnailBytes)
      throw badState('The picture in this state file is too large.');
    return { state, thumbnail };
  });
}

/** @throws HoldfastError `bad-state-file` */
export function decodeCut(bytes: Uint8Array, digest: Digest): DeviceStateItem {
  return asStateFile(() => {
    const cut = decodeDeviceCut(bytes, digest);
    if (!cut) throw badState('This state file holds no device state.');
    return { kind: 'cut', ...cut };
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
