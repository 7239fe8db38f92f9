import type { RuntimeHost } from '../../protocol/abi.ts';
import { isFloppy } from '../../protocol/config.ts';
import { ChunkedBase } from './chunked-base.ts';
import { Disk } from './disk.ts';
import { BytesBase, type DiskBase, EmptyBase } from './disk-base.ts';
import { readFile } from './file-read.ts';
import { floppySize } from './floppy-size.ts';
import type { Medium } from './medium.ts';
import { Overlay } from './overlay.ts';
import { readParts } from './parts-fetch.ts';
import { piecesOf } from './pieces.ts';
import { ChangedError, fetchRange } from './range-fetch.ts';
import { retry } from './retry.ts';

/** The disk that a medium is, for one runtime. What it reads and writes is shared with every other. */
export function openDisk(medium: Medium, host: RuntimeHost): Disk {
  const overlay = new Overlay(piecesOf(host, medium.overlay));
  const sizeBytes = isFloppy(medium.device) ? floppySize(medium.sizeBytes) : undefined;
  return new Disk(baseOf(medium, host), overlay, sizeBytes ?? medium.sizeBytes);
}

function baseOf(medium: Medium, host: RuntimeHost): DiskBase {
  const { backing, device, sizeBytes } = medium;
  if (backing.kind === 'bytes') return new BytesBase(backing.bytes);
  if (backing.kind === 'empty') return new EmptyBase(sizeBytes);

  const read = async (start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> => {
    if (backing.kind === 'file') return readFile(backing.file, start, length);
    if (backing.kind === 'parts') return readParts(backing.file, start, length, signal);
    return (await fetchRange(backing.file, start, length, signal)).bytes;
  };
  let waiting = false;
  const tell = (state: 'waiting' | 'ready' | 'failed', message: string) =>
    host.emit({ type: 'disk', device, state, message });
  return new ChunkedBase(sizeBytes, backing.cache, async (start, length, signal) => {
    try {
      return await retry(() => read(start, length, signal), {
        signal,
        failed({ message }) {
          if (!waiting) tell('waiting', `The guest waits for ${device}: ${message}.`);
          waiting = true;
        },
        recovered() {
          waiting = false;
          tell('ready', `${device} can be read again.`);
        },
      });
    } catch (thrown) {
      if (!signal?.aborted) {
        const { message, cause } = thrown as Error;
        if (cause instanceof ChangedError) medium.changed = message;
        tell('failed', message);
      }
      throw thrown;
    }
  });
}
