/** The keeper's own sections of a vmstate. It does not read the runtime's sections. */

import { HoldfastError } from '../../errors.ts';
import type { MachineConfig } from '../../protocol/config.ts';
import { withoutContents } from '../../protocol/images.ts';
import { randomId } from '../../protocol/random-id.ts';
import {
  type BlocksSection,
  type CheckpointSection,
  jsonSection,
  type MachineSection,
  readSection,
} from '../../vmstate/sections.ts';
import { type Digest, decodeVmstate, encodeVmstate, type Section } from '../../vmstate/vmstate.ts';
import { guestBlocks } from '../checkpoint/memory-layout.ts';
import type { FrozenExecution } from '../guest/execution.ts';
import type { GuestParts } from './guest-parts.ts';

export interface KeeperSections {
  machine: MachineSection<MachineConfig>;
  blocks: BlocksSection;
  /** Mode `reboot`: the checkpoint that holds the rest of the guest. */
  checkpoint?: CheckpointSection;
}

export interface DecodedVmstate extends KeeperSections {
  /** A vmstate with only the runtime's sections, for a runtime to load. */
  device: Uint8Array;
}

const ownNames: readonly string[] = ['machine', 'blocks', 'checkpoint'];

/** Returns the keeper's sections for a machine that is saved now. */
export function sectionsOf(
  { id, backing, execution }: GuestParts,
  mode: 'restart' | 'reboot',
  frozen: FrozenExecution,
): KeeperSections {
  const { id: runtimeId, v86Version, url, wasmUrl } = execution.source;
  return {
    machine: {
      id,
      name: backing.config.name,
      config: withoutContents(backing.config),
      ...frozen,
      mode,
      cut: randomId(),
      savedAtMs: Date.now(),
      runtime: { id: runtimeId, v86Version, url, wasmUrl },
    },
    blocks: {
      blocks: guestBlocks(backing.blocks).map(({ name, sizeBytes }) => ({ name, sizeBytes })),
      placement: String(backing.kept.get('runtime.placement') ?? ''),
    },
  };
}

/** Puts the keeper's sections before those of the runtime. */
export function composeVmstate(
  device: Uint8Array,
  { machine, blocks, checkpoint }: KeeperSections,
  digest: Digest,
): Uint8Array {
  const own: Section[] = [
    jsonSection('machine', machine as unknown as MachineSection),
    jsonSection('blocks', blocks),
  ];
  if (checkpoint) own.push(jsonSection('checkpoint', checkpoint));
  return encodeVmstate([...own, ...decodeVmstate(device, digest)], digest);
}

/**
 * Splits a vmstate and checks all of it.
 * @throws HoldfastError `bad-vmstate`, or `runtime-incompatible` for a newer version of a section
 */
export function decomposeVmstate(state: Uint8Array, digest: Digest): DecodedVmstate {
  const sections = decodeVmstate(state, digest);
  const machine = readSection(sections, 'machine');
  const blocks = readSection(sections, 'blocks');
  const checkpoint = readSection(sections, 'checkpoint');
  if (!machine || !blocks) {
    throw new HoldfastError(
      'bad-vmstate',
      'This vmstate does not say whose it is: it was not written by cprSave.',
    );
  }
  const device = sections.filter(({ name }) => !ownNames.includes(name));
  return {
    machine: machine as unknown as MachineSection<MachineConfig>,
    blocks,
    ...(checkpoint && { checkpoint }),
    device: encodeVmstate(device, digest),
  };
}
