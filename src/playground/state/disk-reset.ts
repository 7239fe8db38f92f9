/** Discards a guest's disk writes, after its user confirmed. */
import type { MachineConfig } from '../../protocol/config.ts';
import { type DriveName, driveNames } from '../../protocol/config.ts';
import { sourceName } from '../../protocol/images.ts';
import type { Session } from '../session/session.ts';
import { ask } from '../ui/ask.tsx';

/** The disks that a guest can write to. */
export function writableDisks(config: Partial<MachineConfig> | undefined): DriveName[] {
  return driveNames.filter((device) => device !== 'cdrom' && config?.[device] !== undefined);
}

/** @returns the disks to reset; none if the user cancelled */
export async function askResetDisks({ status }: Session): Promise<DriveName[]> {
  const disks = writableDisks(status?.config);
  const named = disks.map((device) => {
    const source = status?.config[device];
    return source ? `${device} (${sourceName(source)})` : device;
  });
  const yes = await ask({
    title: 'Reset the disks?',
    text: `Everything that the guest wrote to ${named.join(' and ')} is deleted for good. The guest boots from the original contents.`,
    ok: 'Reset and boot',
  });
  return yes ? disks : [];
}
