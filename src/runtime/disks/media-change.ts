/** Changes the media of drives while the guest runs. */
import { HoldfastError } from '../../errors.ts';
import { type DriveSource, isFloppy, type RemovableDriveName } from '../../protocol/config.ts';
import { ideDrive } from './drive-error.ts';
import type { Drives } from './drives.ts';
import { openMedium } from './medium.ts';

const removable: readonly string[] = ['cdrom', 'fda', 'fdb'];

/**
 * @throws HoldfastError `bad-config`, `image-unavailable`; `busy` if the guest was handed over in
 * between
 */
export async function changeMedia(
  drives: Drives,
  device: RemovableDriveName,
  source: DriveSource,
): Promise<void> {
  checkRemovable(device);
  const medium = await openMedium(device, source, drives.host, undefined);
  const { cpu } = drives;
  if (!cpu)
    throw new HoldfastError('busy', 'The guest has been handed to another runtime: try again.');
  drives.media[device] = medium;
  drives.open(device);
  const buffer = drives.buffer(device);
  if (isFloppy(device)) {
    floppyDrive(cpu, device)?.insert_disk(buffer);
  } else {
    const cdrom = ideDrive(cpu, 'cdrom');
    cdrom?.eject();
    cdrom?.set_cdrom(buffer);
  }
  giveUpReads(drives, device);
  drives.host.driveChanged?.(device, source);
  drives.wake();
}

export function ejectMedia(drives: Drives, device: RemovableDriveName): void {
  checkRemovable(device);
  const { cpu } = drives;
  if (!cpu || !drives.media[device]) return;
  if (isFloppy(device)) floppyDrive(cpu, device)?.eject_disk();
  else ideDrive(cpu, 'cdrom')?.eject();
  giveUpReads(drives, device);
  drives.media[device] = undefined;
  drives.open(device);
  drives.host.driveChanged?.(device, undefined);
  drives.wake();
}

const floppyDrive = ({ devices }: V86Cpu, device: 'fda' | 'fdb'): V86FloppyDrive | undefined =>
  devices.fdc?.drives[device === 'fda' ? 0 : 1];

function checkRemovable(device: string): void {
  if (!removable.includes(device))
    throw new HoldfastError(
      'bad-config',
      `"${device}" is not removable. Removable drives: ${removable.join(', ')}.`,
    );
}

/** Abandons reads: the user may eject a medium because it cannot be read. */
function giveUpReads(drives: Drives, device: RemovableDriveName): void {
  for (const operation of drives.inFlight.of(device)) operation.fail();
}
