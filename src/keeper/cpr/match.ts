/** Checks that a state belongs to this machine. */

import { HoldfastError } from '../../errors.ts';
import { driveNames, type MachineConfig } from '../../protocol/config.ts';
import type { BlocksSection, MachineSection } from '../../vmstate/sections.ts';
import { guestBlocks } from '../checkpoint/memory-layout.ts';
import type { HostBacking } from '../runtimes/gated-host.ts';

const wrong = (message: string) => new HoldfastError('wrong-machine', message);

/** @throws HoldfastError `wrong-machine` for device state that does not belong to the held RAM */
export function requireSameCut(
  saved: Pick<MachineSection, 'id' | 'name' | 'cut'>,
  id: string,
  cut: string,
): void {
  if (saved.id !== id) {
    throw wrong(
      `This is the state of the machine "${saved.name}" (${saved.id}), not of the one that is held (${id}).`,
    );
  }
  if (saved.cut !== cut) {
    throw wrong(
      'This state was saved at another moment than the RAM that is held. Load what the last cprSave wrote, or call cprCancel to resume the guest.',
    );
  }
}

/** @throws HoldfastError `wrong-machine` */
export function requireSameBlocks(saved: BlocksSection, backing: HostBacking): void {
  const text = (blocks: readonly BlocksSection['blocks'][number][]) =>
    blocks.map(({ name, sizeBytes }) => `${name} ${sizeBytes}`).join(', ');
  const here = text(guestBlocks(backing.blocks));
  if (text(saved.blocks) !== here) {
    throw wrong(
      `The RAM blocks differ: the state has ${text(saved.blocks)}; the machine has ${here}.`,
    );
  }
  const placement = backing.kept.get('runtime.placement');
  if (placement !== undefined && placement !== saved.placement) {
    throw wrong(
      'The runtime would lay the guest out differently in its RAM blocks. Use another one.',
    );
  }
}

/** Options about sources and treatment of a machine, which may differ. */
const free: readonly (keyof MachineConfig)[] = [
  'id',
  'lineage',
  'name',
  'suspendWhenHiddenMs',
  'limits',
  'foreign',
  'onlyCprCapable',
  'openedFrom',
  'bios',
  'vgaBios',
  'bzImage',
  'initrd',
  'cmdline',
];
/** Drives are only checked for presence: the runtime compares the disks themselves. */
const disks: readonly string[] = driveNames;

/** @throws HoldfastError `wrong-machine` with the names of all options that differ */
export function requireSameConfig(saved: MachineConfig, here: MachineConfig): void {
  const keys = new Set([...Object.keys(saved), ...Object.keys(here)]) as Set<keyof MachineConfig>;
  const differing: string[] = [];
  for (const key of keys) {
    if (free.includes(key)) continue;
    const show = (config: MachineConfig) =>
      disks.includes(key) ? (config[key] ? 'there' : 'absent') : JSON.stringify(config[key]);
    if (show(saved) !== show(here)) {
      differing.push(
        `${key} is ${show(saved) ?? 'absent'} in the state and ${show(here) ?? 'absent'} here`,
      );
    }
  }
  if (differing.length > 0)
    throw wrong(`The state is that of another machine: ${differing.join('; ')}.`);
}
