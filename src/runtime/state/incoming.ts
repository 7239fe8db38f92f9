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
  /** Absent in states of format version 1. */
  disks: readonly DiskIdentity[] | undefined;
  /** Absent if the guest waits for no disk. */
  diskReads: DiskReadsSection | undefined;
  /** Absent if the device state itself holds the contents of the share. */
  shareFiles: ShareFilesSection | undefined;
  consoleInput: WaitingInput | undefined;
  /** Absent if no key was down and no input waited. */
  ps2?: Ps2State | undefined;
  network: NetworkSection | undefined;
  /** [SE4] Sections that are unknown to this runtime, for the next vmstate. */
  carried: readonly Section[];
}

/**
 * @param template the state of the devices that will take over the guest
 * @throws {HoldfastError} `bad-vmstate` if it is not a vmstate or damaged; `runtime-incompatible`
 * if this runtime does not know a part of it or has other devices.
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
    throw new HoldfastError('bad-vmstate', 'The vmstate holds no device state of v86.');
  // The keeper reads its own sections itself, but malformed ones are refused here too.
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
