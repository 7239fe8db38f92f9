/** The contents of a drive: opened once, then kept as plain data that every later runtime reads. */
import xxhash from 'xxhash-wasm';
import { HoldfastError } from '../../errors.ts';
import type { RuntimeHost } from '../../protocol/abi.ts';
import { type DriveName, type DriveSource, driveNames, isFloppy } from '../../protocol/config.ts';
import { diskPieces } from '../../protocol/disk-piece.ts';
import { diskLimit } from '../../protocol/disk-size.ts';
import { askingFor } from '../../protocol/visitor.ts';
import { yieldToEventLoop } from '../core/yield-to-event-loop.ts';
import { type ChunkCache, newChunkCache } from './chunked-base.ts';
import { download } from './download.ts';
import { nameOf, versionOf } from './file-read.ts';
import { floppySize } from './floppy-size.ts';
import { isAway } from './later-base.ts';
import { findParts, type PartsFile } from './parts-fetch.ts';
import { fetchRange, type RangeFile } from './range-fetch.ts';
import { unpack, unpackFile } from './unpack.ts';

type MediumBacking =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'range'; file: RangeFile; cache: ChunkCache }
  | { kind: 'parts'; file: PartsFile; cache: ChunkCache }
  | { kind: 'file'; file: Blob; cache: ChunkCache }
  | { kind: 'empty' }
  /** Unreachable when the guest was restored; opened at its first read. */
  | { kind: 'later'; source: DriveSource };

export interface Medium {
  device: DriveName;
  /** Like {@link DiskIdentity.base}. */
  base: string;
  baseDigest?: string;
  /** Size of the base. */
  sizeBytes: number;
  backing: MediumBacking;
  /** Name of the pieces that hold the guest's writes to it. */
  overlay: string;
  /** True if another keeper can open this base again: a URL, or an empty disk. */
  reopenable: boolean;
  /** Present if the base turned out to be another one: a sentence about the difference. */
  changed?: string;
}

/** The media in a machine's drives, shared by its runtimes. */
export type Media = Partial<Record<DriveName, Medium>>;

const keptAs = 'disks.media';

/**
 * Opens the media of the machine's configuration, once in a machine's life.
 * @param options `incoming`: a guest that knows its disks already, and can run until it reads them
 */
export async function openMedia(
  host: RuntimeHost,
  signal: AbortSignal | undefined,
  { incoming = false } = {},
): Promise<Media> {
  let media = host.kept.get(keptAs) as Media | undefined;
  if (!media) {
    checkDrives(host);
    const configured = driveNames.flatMap((device) => {
      const source = host.config[device];
      if (!source) return [];
      if (incoming) return [openOrLater(device, source, host, signal)];
      return [openMedium(device, source, host, signal)];
    });
    media = Object.fromEntries(
      (await Promise.all(configured)).map((medium) => [medium.device, medium]),
    );
    host.kept.set(keptAs, media);
  }
  return media;
}

/** @throws HoldfastError `image-unavailable`, `bad-config` */
export async function openMedium(
  device: DriveName,
  source: DriveSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Medium> {
  const opened = await open(device, source, host, signal);
  const medium = { device, overlay: await overlayName(device, opened), ...opened };
  if (medium.sizeBytes === 0)
    throw new HoldfastError(
      'image-unavailable',
      `The disk for ${device} is empty. Check the image.`,
    );
  const limit = diskLimit(device);
  if (!isFloppy(device) && medium.sizeBytes > limit.bytes)
    throw new HoldfastError(
      'bad-config',
      `The disk for ${device} has ${medium.sizeBytes} bytes. A disk can have ${limit.words}.`,
    );
  if (isFloppy(device) && floppySize(medium.sizeBytes) === undefined)
    throw new HoldfastError(
      'bad-config',
      `The image for ${device} has ${medium.sizeBytes} bytes: no floppy is that large. Use it as hda.`,
    );
  return medium;
}

/** Longest wait of a resuming guest for the server of a disk that it may not need, ms. */
const openMs = 3000;

async function openOrLater(
  device: DriveName,
  source: DriveSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Medium> {
  const isRead = 'load' in source && source.load !== 'whole';
  const limit = AbortSignal.timeout(openMs);
  const either = isRead ? AbortSignal.any([limit, ...(signal ? [signal] : [])]) : signal;
  try {
    return await openMedium(device, source, host, either);
  } catch (thrown) {
    signal?.throwIfAborted();
    if (isFloppy(device) || !('url' in source) || !isAway(thrown)) throw thrown;
    return {
      device,
      base: source.url,
      sizeBytes: 0,
      backing: { kind: 'later', source },
      overlay: diskPieces(device),
      reopenable: true,
    };
  }
}

type Opened = Omit<Medium, 'device' | 'overlay'>;

async function open(
  device: DriveName,
  source: DriveSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const kinds = ['emptyBytes', 'file', 'bytes', 'url'];
  if (!kinds.some((kind) => kind in Object(source)))
    throw new HoldfastError(
      'bad-config',
      `What is to be in ${device} has none of ${kinds.join(', ')}: it is no medium.`,
    );
  if ('emptyBytes' in source) return openEmpty(device, source.emptyBytes);
  if ('file' in source) {
    const { file } = source;
    const unpacked = await unpackFile(file);
    if (unpacked) return whole(`file:${nameOf(file)}`, unpacked, false);
    const version = versionOf(file);
    return {
      base: `file:${nameOf(file)}`,
      ...(version !== undefined && { baseDigest: version }),
      sizeBytes: file.size,
      backing: { kind: 'file', file, cache: newChunkCache() },
      reopenable: false,
    };
  }
  if ('bytes' in source) return whole('bytes', await unpack(source.bytes), false);
  const asking = askingFor(source.url, host.config.foreign, globalThis.location?.href);
  if (source.load === 'range') return openRange(device, { ...source, ...asking }, signal);
  if (source.load === 'parts') return openParts(await findParts(source, signal, asking));
  // The name under which runtimes kept an image that they wrote into: it is this disk's base.
  const kept = host.kept.get(`image.${device}`) as Uint8Array | undefined;
  return whole(source.url, kept ?? (await unpack(await download(source, host, signal))), true);
}

/**
 * Returns the name of the pieces. An inserted floppy again has its earlier writes, both in this
 * machine and in one that resumes from a checkpoint. So its name is derived from the medium.
 */
async function overlayName(device: DriveName, opened: Opened): Promise<string> {
  if (!isFloppy(device)) return diskPieces(device);
  const { base, baseDigest, sizeBytes } = opened;
  const identity = JSON.stringify([base, baseDigest, sizeBytes]);
  return `${diskPieces(device)}.${await digest(new TextEncoder().encode(identity))}`;
}

function openEmpty(device: DriveName, sizeBytes: number): Opened {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 512 || sizeBytes % 512)
    throw new HoldfastError(
      'bad-config',
      `An empty disk of ${sizeBytes} bytes cannot be made for ${device}: give a multiple of 512.`,
    );
  return { base: 'empty', sizeBytes, backing: { kind: 'empty' }, reopenable: true };
}

async function whole(base: string, bytes: Uint8Array, reopenable: boolean): Promise<Opened> {
  return {
    base,
    baseDigest: await digest(bytes),
    sizeBytes: bytes.length,
    backing: { kind: 'bytes', bytes },
    reopenable,
  };
}

async function openRange(
  device: DriveName,
  source: { url: string; sizeBytes?: number; credentials?: 'omit' },
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const { file } = await fetchRange(source, 0, 512, signal).catch((thrown) => {
    // No guest waits for it yet; the user can try again.
    throw HoldfastError.from(thrown, 'image-unavailable', `The disk for ${device} cannot be used`);
  });
  return {
    base: source.url,
    ...(file.version !== undefined && { baseDigest: file.version }),
    sizeBytes: file.sizeBytes,
    backing: { kind: 'range', file, cache: newChunkCache() },
    reopenable: true,
  };
}

function openParts(file: PartsFile): Opened {
  return {
    base: file.url,
    ...(file.version !== undefined && { baseDigest: file.version }),
    sizeBytes: file.sizeBytes,
    backing: { kind: 'parts', file, cache: newChunkCache() },
    reopenable: true,
  };
}

function checkDrives({ config }: RuntimeHost): void {
  if (config.hdb && !config.hda)
    throw new HoldfastError('bad-config', 'A machine with a disk hdb needs a disk hda too.');
}

/** Bytes that are digested at once. Between two such parts a running guest gets its turn. */
const digestBytes = 4 << 20;

async function digest(bytes: Uint8Array): Promise<string> {
  const { create64 } = await xxhash();
  const hash = create64();
  for (let at = 0; at < bytes.length; at += digestBytes) {
    hash.update(bytes.subarray(at, at + digestBytes));
    if (at + digestBytes < bytes.length) await yieldToEventLoop();
  }
  return `xxh64:${hash.digest().toString(16).padStart(16, '0')}`;
}
