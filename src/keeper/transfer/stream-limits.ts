/**
 * The streams of blobs that a machine can have, and their limits. A state file may contain no
 * others.
 */
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
/** A scrollback of 1 MiB in chunks; twice that if a state and its base both have one. */
const consoleBytes = 2 * (1024 * 1024 + 2 * consoleChunkBytes);
/** Size of a disk that is not known in advance: 2 TiB. */
const largestDiskBytes = 2 ** 41;
/** The largest floppy has 3.75 MB. */
const floppyBytes = 4 * 1024 * 1024;
/** Inodes and bytes of one file, as in v86's share. */
const share = { count: 2 ** 31, fileBytes: 2 ** 32 } as const;

/** `disk.hda`; a removable medium appends a digest that identifies it. */
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
    // A block that was written in part has one more byte, which marks its sectors.
    const blobBytes = blockBytes + 1;
    return { blobBytes, count: blocks, totalBytes: blocks * blobBytes };
  }
  throw new HoldfastError(
    'bad-state-file',
    `The state brings ${JSON.stringify(stream.slice(0, 80))}, which such a machine does not have. The file is damaged or was made to do harm.`,
  );
}

/** An ejected floppy keeps its writes, and a CD its (empty) stream; hard disks stay. */
const canHave = (drive: DriveName, isMedium: boolean, config: MachineConfig): boolean =>
  isFloppy(drive) || (!isMedium && (drive === 'cdrom' || config[drive] !== undefined));

function sizeOf(drive: DriveName, config: MachineConfig): number {
  if (isFloppy(drive)) return floppyBytes;
  const source = config[drive];
  if (!source) return 0;
  if ('emptyBytes' in source) return source.emptyBytes;
  // The size of a compressed image is not known.
  return largestDiskBytes;
}
