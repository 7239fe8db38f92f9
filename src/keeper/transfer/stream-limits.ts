/** The streams of blobs that a machine can have, and how much of each. A state file may bring no others. */
import { HoldfastError } from '../../errors.ts';
import { type DriveName, driveNames, isFloppy, type MachineConfig } from '../../protocol/config.ts';
import { blockBytes } from '../../protocol/disk-piece.ts';
import { consoleChunkBytes, consolePrefix, piecePrefix } from '../checkpoint/blob-batch.ts';

export interface StreamLimit {
  /** Most bytes of one blob. */
  blobBytes: number;
  /** Indexes are below this. */
  count: number;
  /** Most bytes of all blobs of the stream together. */
  totalBytes: number;
}

const consoles = ['serial0', 'serial1', 'serial2', 'serial3', 'virtio-console0'];
/** A scrollback of 1 MiB in chunks; twice where a state and its base both have one. */
const consoleBytes = 2 * (1024 * 1024 + 2 * consoleChunkBytes);
/** Of a disk whose size is known only once it is there: 2 TiB. */
const largestDiskBytes = 2 ** 41;
/** 3.75 MB is the largest that there is. */
const floppyBytes = 4 * 1024 * 1024;
/** Inodes and bytes of one file, as of v86's share. */
const share = { count: 2 ** 31, fileBytes: 2 ** 32 } as const;

/** `disk.hda`; a medium that can be changed adds a digest that tells it from others. */
const diskStream = /^disk\.([a-z]+)(\.[\w:-]{1,64})?$/;

/** @throws HoldfastError `bad-state-file` for a stream that such a machine cannot have */
export function limitOf(stream: string, config: MachineConfig): StreamLimit {
  if (stream.startsWith(consolePrefix) && consoles.includes(stream.slice(consolePrefix.length)))
    return {
      blobBytes: consoleChunkBytes,
      count: Number.POSITIVE_INFINITY,
      totalBytes: consoleBytes,
    };
  if (stream === `${piecePrefix}9p.files` && config.filesystem9p)
    return { blobBytes: share.fileBytes, count: share.count, totalBytes: Number.POSITIVE_INFINITY };
  const [, name, medium] = diskStream.exec(stream.slice(piecePrefix.length)) ?? [];
  const drive = driveNames.find((one) => one === name);
  if (stream.startsWith(piecePrefix) && drive && canHave(drive, medium !== undefined, config)) {
    const blocks = Math.ceil(sizeOf(drive, config) / blockBytes);
    // A block that was written in part says in one more byte which.
    const blobBytes = blockBytes + 1;
    return { blobBytes, count: blocks, totalBytes: blocks * blobBytes };
  }
  throw new HoldfastError(
    'bad-state-file',
    `The state brings ${JSON.stringify(stream.slice(0, 80))}, which such a machine does not have. The file is damaged or was made to do harm.`,
  );
}

/** A floppy that was taken out keeps what was written to it, and a CD its (empty) stream; hard disks stay. */
const canHave = (drive: DriveName, isMedium: boolean, config: MachineConfig): boolean =>
  isFloppy(drive) || (!isMedium && (drive === 'cdrom' || config[drive] !== undefined));

function sizeOf(drive: DriveName, config: MachineConfig): number {
  if (isFloppy(drive)) return floppyBytes;
  const source = config[drive];
  if (!source) return 0;
  if ('emptyBytes' in source) return source.emptyBytes;
  // What is compressed becomes larger.
  return largestDiskBytes;
}
