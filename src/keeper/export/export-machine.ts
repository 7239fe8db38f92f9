/** Exports of a stored machine as a file, without resuming it. */
import { HoldfastError } from '../../errors.ts';
import {
  type DriveName,
  type DriveSource,
  driveNames,
  isFloppy,
  type MachineConfig,
} from '../../protocol/config.ts';
import { diskPieces } from '../../protocol/disk-piece.ts';
import { sourceName } from '../../protocol/images.ts';
import type { ExportedFile, ExportRequest } from '../../protocol/stored.ts';
import type { Store } from '../../store/types.ts';
import { piecePrefix } from '../checkpoint/blob-batch.ts';
import { xxh64 } from '../cpr/digest.ts';
import type { StoredDetails } from '../cpr/stored-details.ts';
import { pagesOfBits } from '../lazy/present-map.ts';
import { archiveOf } from './archive.ts';
import { endOf, rawDisk } from './raw-disk.ts';
import { readWhatIsLeft, readWhole, type StoredContents } from './stored-contents.ts';

/**
 * @throws HoldfastError `not-found` for a missing machine or disk; `storage-damaged` for a disk
 * without an intact checkpoint; `image-unavailable` if its base cannot be read
 */
export async function exportMachine(
  store: Store,
  id: string,
  request: ExportRequest,
): Promise<ExportedFile> {
  const stored = (await store.machines()).find((machine) => machine.id === id);
  if (!stored) throw new HoldfastError('not-found', `No machine "${id}" is in storage.`);
  const { config } = (stored.details ?? {}) as Partial<StoredDetails>;
  const { h64Raw: digest } = await xxh64();
  const fileName = (ending: string) => `${stored.name.replaceAll(/[^\w.() -]+/g, '_')}${ending}`;
  switch (request.kind) {
    case 'disk': {
      const { device } = request;
      const contents = await readWhole(
        store,
        id,
        { pages: false, stream: (name) => isOfDisk(name, device) },
        digest,
      );
      const source = config?.[device];
      if (!source && contents.streams().length === 0)
        throw new HoldfastError('not-found', `“${stored.name}” has no disk in ${device}.`);
      const blob = imageOf(contents, device, source ? await baseOf(source) : new Blob());
      return { name: fileName(`-${device}.img`), blob, missing: [] };
    }
    case 'everything': {
      const contents = await readWhatIsLeft(store, id, digest);
      noteAbsent(contents);
      const disks = await disksOf(contents, config ?? {});
      const blob = archiveOf({ name: stored.name, config, contents, disks });
      return { name: fileName('.tar'), blob, missing: [...contents.damage] };
    }
  }
}

const isOfDisk = (stream: string, device: DriveName) =>
  // A floppy's name has a suffix.
  `${stream}.`.startsWith(`${piecePrefix}${diskPieces(device)}.`);

function imageOf(contents: StoredContents, device: DriveName, base: Blob): Blob {
  const streams = contents.streams().filter((name) => isOfDisk(name, device));
  // The first of successive floppies in the drive that was written to.
  const pieces = contents.blobs(streams[0] ?? '');
  // A floppy is larger than an image that lacks its end. The size of a lost base is unknown.
  const isAtLeast = base.size === 0 || isFloppy(device) ? endOf(pieces) : 0;
  return rawDisk(base, Math.max(base.size, isAtLeast), pieces);
}

/** The archive has zeros for memory that had not arrived. Its list of what is missing names the place of it. */
function noteAbsent({ manifest, damage }: StoredContents): void {
  const absent = manifest?.absent;
  if (!absent) return;
  const count = [...pagesOfBits(absent.pages)].length;
  damage.push(
    `memory: ${count} pages had not arrived, and are zero here. They are in ${absent.reference.url}.`,
  );
}

/** Returns disks by file name. Missing parts are recorded in the contents' damage. */
async function disksOf(
  contents: StoredContents,
  config: Partial<MachineConfig>,
): Promise<Map<string, Blob>> {
  const disks = new Map<string, Blob>();
  for (const device of driveNames) {
    const source = config[device];
    const isWritten = contents.streams().some((name) => isOfDisk(name, device));
    if (!source && !isWritten) continue;
    // A disk without writes is the same as its base.
    if (!isWritten && source && !('emptyBytes' in source)) continue;
    const base = await leftOfBase(device, source, contents);
    disks.set(`disks/${device}.img`, imageOf(contents, device, base));
  }
  return disks;
}

async function leftOfBase(
  device: DriveName,
  source: DriveSource | undefined,
  { damage }: StoredContents,
): Promise<Blob> {
  if (!source) {
    damage.push(`${device}: what it was made of is not known: only what the guest wrote is there.`);
    return new Blob();
  }
  try {
    return await baseOf(source);
  } catch (thrown) {
    const { message } = HoldfastError.from(thrown, 'image-unavailable', 'It cannot be read');
    damage.push(`${device}: only what the guest wrote is there. ${message}`);
    return new Blob();
  }
}

/** @throws HoldfastError `image-unavailable` */
async function baseOf(source: DriveSource): Promise<Blob> {
  if ('emptyBytes' in source) return rawDisk(new Blob(), source.emptyBytes, new Map());
  if ('file' in source) {
    // A file that is not stored, see detailsOf; an image is never empty.
    if (source.file.size > 0) return source.file;
    const name = sourceName(source);
    throw new HoldfastError(
      'image-unavailable',
      `${name} is a file of its user's computer, too large to be stored with the machine.`,
    );
  }
  if ('bytes' in source) return new Blob([source.bytes]);
  const failed = `${sourceName(source)} could not be fetched from ${source.url}`;
  try {
    const response = await fetch(source.url);
    if (!response.ok)
      throw new HoldfastError('image-unavailable', `${failed}: ${response.status}.`);
    return await response.blob();
  } catch (thrown) {
    throw HoldfastError.from(thrown, 'image-unavailable', failed);
  }
}
