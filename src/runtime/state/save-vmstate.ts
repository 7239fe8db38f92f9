import type { RuntimeHost } from '../../protocol/abi.ts';
import { jsonSection, sectionVersions } from '../../vmstate/sections.ts';
import { type Digest, encodeVmstate, type Section } from '../../vmstate/vmstate.ts';
import type { ConsoleInput } from '../devices/console-input.ts';
import type { Ps2Input } from '../devices/ps2-input.ts';
import type { Drives } from '../disks/drives.ts';
import type { Network } from '../network/network.ts';
import type { NinepState } from '../ninep/ninep-state.ts';
import { saveDevices } from './device-state.ts';

/** Name under which sections that are unknown to this runtime wait for the next vmstate. */
const carriedSections = 'vmstate.carried';

/** All state of a stopped guest except memory. */
interface SavedMachine {
  readonly host: RuntimeHost;
  readonly cpu: V86Cpu;
  readonly drives: Drives;
  readonly share: NinepState;
  readonly input: ConsoleInput;
  readonly ps2: Ps2Input;
  readonly network: Network;
  readonly v86Version: string;
  /** `xxh64:…` of the transformed v86.wasm, if the module contains it. */
  readonly wasmDigest: string | undefined;
  readonly digest: Digest;
}

/** The runtime's part of a vmstate; docs/spec/vmstate.md. The counterpart of `readIncoming`. */
export function saveVmstate(machine: SavedMachine): Uint8Array {
  const { host, cpu, drives, v86Version, wasmDigest, digest } = machine;
  const value = (name: 'v86.devices' | 'console.input', bytes: Uint8Array): Section => ({
    name,
    version: sectionVersions[name],
    required: true,
    bytes,
  });
  const sections: Section[] = [
    jsonSection('emulator', { v86Version, wasmDigest }),
    jsonSection('disks', { disks: drives.save() }),
    value('v86.devices', saveDevices(cpu, host.clock)),
  ];
  const diskReads = drives.saveReads();
  if (diskReads) sections.push(jsonSection('disk.reads', diskReads));
  const shareFiles = machine.share.save();
  if (shareFiles) sections.push(jsonSection('9p.files', shareFiles));
  const input = machine.input.save(machine.ps2.save());
  if (input) sections.push(value('console.input', input));
  const network = machine.network.save();
  if (network) sections.push(jsonSection('network', network));
  const own = new Set(sections.map(({ name }) => name));
  const carried = (host.kept.get(carriedSections) as readonly Section[] | undefined) ?? [];
  return encodeVmstate([...sections, ...carried.filter(({ name }) => !own.has(name))], digest);
}

/** [SE4] Keeps sections of a loaded vmstate that are unknown to this runtime, for the next one. */
export function keepCarried(host: RuntimeHost, carried: readonly Section[]): void {
  host.kept.set(carriedSections, carried);
}
