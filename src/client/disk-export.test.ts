import { expect, test } from 'vitest';
import { diskImage } from './disk-export.ts';

const contents = Uint8Array.from({ length: 2_500_000 }, (_, i) => i % 251);

function reader(available = contents.length) {
  return {
    infoBlock: async () => [
      {
        device: 'hda' as const,
        kind: 'disk' as const,
        inFlight: 0,
        medium: {
          base: 'bytes',
          backing: 'bytes' as const,
          sizeBytes: contents.length,
          overlay: { blocks: 0, generation: 0 },
        },
      },
    ],
    readDisk: async (_: string, start: number, length: number) =>
      contents.slice(start, Math.min(start + length, available)),
  };
}

test('an image comes out whole, in parts', async () => {
  const parts: number[] = [];
  const image = new Uint8Array(contents.length);
  let position = 0;
  for await (const part of diskImage(reader(), 'hda')) {
    parts.push(part.length);
    image.set(part, position);
    position += part.length;
  }
  expect(parts.length).toBeGreaterThan(1);
  expect(Buffer.compare(image, contents)).toBe(0);
});

test('an empty drive has no image', async () => {
  const stream = diskImage(reader(), 'cdrom');
  await expect(stream.getReader().read()).rejects.toMatchObject({ code: 'not-found' });
});

test('a disk that is taken out meanwhile is no shorter image', async () => {
  const taking = async () => {
    for await (const _ of diskImage(reader(1 << 20), 'hda'));
  };
  await expect(taking()).rejects.toMatchObject({ code: 'not-found' });
});
