import type { RuntimeHost } from '../../protocol/abi.ts';
import { type DriveName, type DriveSource, isFloppy } from '../../protocol/config.ts';
import { ChunkedBase } from './chunked-base.ts';
import { Disk } from './disk.ts';
import { BytesBase, type DiskBase, EmptyBase } from './disk-base.ts';
import type { DiskWaits } from './disk-waits.ts';
import { readFile } from './file-read.ts';
import { floppySize } from './floppy-size.ts';
import { isAway, LaterBase, requireSameDisk } from './later-base.ts';
import { type Medium, openMedium } from './medium.ts';
import { Overlay } from './overlay.ts';
import { readParts } from './parts-fetch.ts';
import { piecesOf } from './pieces.ts';
import { ChangedError, fetchRange } from './range-fetch.ts';
import { retry, TransientError } from './retry.ts';

/** Opens a medium's disk for one runtime. All runtimes share its data. */
export function openDisk(medium: Medium, host: RuntimeHost, waits: DiskWaits): Disk {
  const overlay = new Overlay(piecesOf(host, medium.overlay));
  const sizeBytes = isFloppy(medium.device) ? floppySize(medium.sizeBytes) : undefined;
  return new Disk(baseOf(medium, host, waits), overlay, sizeBytes ?? medium.sizeBytes);
}

function laterBase(medium: Medium, source: DriveSource, host: RuntimeHost, waits: DiskWaits) {
  const { device, sizeBytes } = medium;
  return new LaterBase({
    sizeBytes,
    async open(signal) {
      try {
        const opened = await retry(() => openAgain(device, source, host, signal), {
          signal,
          failed: ({ message }) =>
            waits.begin(device, `The guest waits for ${device}: ${message}.`),
          recovered: () => waits.end(device),
        });
        requireSameDisk(medium, opened);
        medium.backing = opened.backing;
        return baseOf(medium, host, waits);
      } catch (thrown) {
        if (!signal?.aborted) reportFailure(medium, waits, thrown as Error);
        throw thrown;
      }
    },
  });
}

async function openAgain(
  device: DriveName,
  source: DriveSource,
  host: RuntimeHost,
  signal: AbortSignal | undefined,
): Promise<Medium> {
  try {
    return await openMedium(device, source, host, signal);
  } catch (thrown) {
    if (isAway(thrown))
      throw new TransientError(`${nameOfSource(source)} cannot be reached`, { cause: thrown });
    throw thrown;
  }
}

const nameOfSource = (source: DriveSource) => ('url' in source ? source.url : 'it');

function reportFailure(medium: Medium, waits: DiskWaits, { message, cause }: Error): void {
  if (cause instanceof ChangedError) medium.changed = message;
  waits.failed(medium.device, message);
}

function baseOf(medium: Medium, host: RuntimeHost, waits: DiskWaits): DiskBase {
  const { backing, device, sizeBytes } = medium;
  if (backing.kind === 'later') return laterBase(medium, backing.source, host, waits);
  if (backing.kind === 'bytes') return new BytesBase(backing.bytes);
  if (backing.kind === 'empty') return new EmptyBase(sizeBytes);

  const read = async (start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> => {
    if (backing.kind === 'file') return readFile(backing.file, start, length);
    if (backing.kind === 'parts') return readParts(backing.file, start, length, signal);
    return (await fetchRange(backing.file, start, length, signal)).bytes;
  };
  return new ChunkedBase(sizeBytes, backing.cache, async (start, length, signal) => {
    try {
      return await retry(() => read(start, length, signal), {
        signal,
        failed({ message }) {
          waits.begin(device, `The guest waits for ${device}: ${message}.`);
        },
        recovered: () => waits.end(device),
      });
    } catch (thrown) {
      if (!signal?.aborted) reportFailure(medium, waits, thrown as Error);
      throw thrown;
    }
  });
}
