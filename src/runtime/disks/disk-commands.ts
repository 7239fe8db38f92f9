/** Commands about the disks of a running machine for pages. */
import { HoldfastError } from '../../errors.ts';
import type { BlockInfo, DiskCommands } from '../../protocol/block-info.ts';
import { type DriveName, driveNames, isFloppy } from '../../protocol/config.ts';
import { checkMedia } from './blockers.ts';
import type { Drives } from './drives.ts';
import { changeMedia, ejectMedia } from './media-change.ts';

const longestRead = 16 << 20;

/** @param running returns true if the guest runs right now */
export function diskCommands(drives: Drives, running: () => boolean): DiskCommands {
  return {
    infoBlock: () => driveNames.map((device) => describe(drives, device)),
    changeMedia: (device, source) => changeMedia(drives, device, source),
    ejectMedia: (device) => ejectMedia(drives, device),
    async readDisk(device, start, length) {
      const disk = presentDisk(drives, device);
      if (!(start >= 0 && length >= 0 && length <= longestRead))
        throw new HoldfastError(
          'bad-config',
          `Read at most ${longestRead} bytes of a disk at once.`,
        );
      const within = Math.max(0, Math.min(length, disk.sizeBytes - start));
      return (await disk.read(start, within)).slice();
    },
    resetDisk(device) {
      const disk = presentDisk(drives, device);
      if (running())
        throw new HoldfastError(
          'bad-runstate',
          `The guest is running from ${device}: pause the machine first, and reset it afterwards.`,
        );
      disk.overlay.clear();
    },
    checkDisks: () => checkMedia(drives),
  };
}

function presentDisk(drives: Drives, device: DriveName) {
  const { disk } = drives.buffer(device);
  if (!disk) throw new HoldfastError('not-found', `There is nothing in ${device}.`);
  return disk;
}

function describe(drives: Drives, device: DriveName): BlockInfo {
  drives.noticeEjected();
  const { [device]: medium } = drives.media;
  const { disk } = drives.buffer(device);
  const info: BlockInfo = {
    device,
    kind: isFloppy(device) ? 'floppy' : device === 'cdrom' ? 'cdrom' : 'disk',
    inFlight: drives.inFlight.of(device).length,
  };
  if (!medium || !disk) return info;
  const { base, backing, changed } = medium;
  info.medium = {
    base,
    backing: backing.kind,
    sizeBytes: disk.sizeBytes,
    overlay: { blocks: disk.overlay.countBlocks(), generation: disk.overlay.generation },
    ...(changed !== undefined && { changed }),
  };
  if ('cache' in backing) {
    const { chunks, hits, misses } = backing.cache;
    info.medium.cache = { chunks: chunks.size, hits, misses };
  }
  return info;
}
