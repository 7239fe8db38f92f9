/** Everything that can be said about a vmstate before the guest is touched. See docs/spec/vmstate.md, [LM2]. */

import { HoldfastError } from '../../errors.ts';
import type { DiskIdentity } from '../../protocol/cpr.ts';
import {
  checkJsonSections,
  type DiskReadsSection,
  type NetworkSection,
  readSection,
  type ShareFilesSection,
  unknownSections,
} from '../../vmstate/sections.ts';
import { type Digest, decodeVmstate, type Section } from '../../vmstate/vmstate.ts';
import { parseConsoleInput, ps2Name, type WaitingInput } from '../devices/console-input.ts';
import { type Ps2State, parsePs2State } from '../devices/ps2-state.ts';
import type { DeviceState } from './device-state.ts';
import type { DeviceTemplate } from './device-template.ts';

export interface IncomingState {
  devices: DeviceState;
  /** Absent in what format version 1 left. */
  disks: readonly DiskIdentity[] | undefined;
  /** Absent where the guest waits for no disk. */
  diskReads: DiskReadsSection | undefined;
  /** Absent where the device state holds the contents of the share itself. */
  shareFiles: ShareFilesSection | undefined;
  consoleInput: WaitingInput | undefined;
  /** Absent where nothing was down or waited. */
  ps2?: Ps2State | undefined;
  network: NetworkSection | undefined;
  /** [SE4] Sections that this runtime does not know, for the next vmstate. */
  carried: readonly Section[];
}

/**
 * @param template the state of the devices that are to take the guest over
 * @throws {HoldfastError} `bad-vmstate` when it is not one or damaged, `runtime-incompatible` when this
 * runtime does not know a part of it or has other devices.
 */
export function readIncoming(
  vmstate: Uint8Array,
  digest: Digest,
  template: DeviceTemplate,
): IncomingState {
  const sections = decodeVmstate(vmstate, digest);
  const carried = unknownSections(sections);
  const devices = sections.find(({ name }) => name === 'v86.devices');
  if (!devices || !sections.some(({ name }) => name === 'emulator'))
    throw new HoldfastError('bad-vmstate', 'The vmstate holds no device state of an emulator.');
  // The keeper's: it reads them itself, but what is malformed is refused wherever it shows up.
  checkJsonSections(sections);
  const input = sections.find(({ name }) => name === 'console.input');
  const consoleInput = input && parseConsoleInput(input.bytes);
  const ps2 = consoleInput?.get(ps2Name);
  return {
    devices: template.read(devices.bytes),
    disks: readSection(sections, 'disks')?.disks,
    diskReads: readSection(sections, 'disk.reads'),
    shareFiles: readSection(sections, '9p.files'),
    consoleInput,
    ps2: ps2 && parsePs2State(ps2),
    network: readSection(sections, 'network'),
    carried,
  };
}
