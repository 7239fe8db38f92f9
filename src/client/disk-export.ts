import { HoldfastError } from '../errors.ts';
import type { BlockInfo, DiskCommands } from '../protocol/block-info.ts';
import type { DriveName } from '../protocol/config.ts';

const chunkBytes = 1 << 20;

interface DiskReader {
  infoBlock(): Promise<BlockInfo[]>;
  readDisk(...range: Parameters<DiskCommands['readDisk']>): Promise<Uint8Array>;
}

/** Returns a disk as a raw image, read as fast as the stream is read. */
export function diskImage(reader: DiskReader, device: DriveName): ReadableStream<Uint8Array> {
  let sizeBytes = 0;
  let position = 0;
  return new ReadableStream<Uint8Array>(
    {
      async start() {
        const found = (await reader.infoBlock()).find((drive) => drive.device === device);
        if (!found?.medium) throw new HoldfastError('not-found', `There is nothing in ${device}.`);
        sizeBytes = found.medium.sizeBytes;
      },
      async pull(controller) {
        const bytes = await reader.readDisk(device, position, chunkBytes);
        position += bytes.length;
        if (bytes.length) controller.enqueue(bytes);
        else if (position < sizeBytes)
          throw new HoldfastError('not-found', `The disk was taken out of ${device} meanwhile.`);
        if (position >= sizeBytes) controller.close();
      },
    },
    { highWaterMark: 1 },
  );
}
