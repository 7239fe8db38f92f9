import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { type Codec, loadCodec } from '../../state-file/format/codec.ts';
import { limitOfUnpacked, unpack } from './unpack.ts';

let codec: Codec;
beforeAll(async () => {
  codec = await loadCodec();
});

const owned = (bytes: Uint8Array) => Uint8Array.from(bytes);
const noise = Uint8Array.from({ length: 300_000 }, (_, at) => (at * at) >> 7);

test('compressed data is unpacked unchanged, in one frame or several', async () => {
  expect(await unpack(owned(gzipSync(noise)))).toEqual(noise);
  const frame = codec.compress(noise, 3);
  expect(await unpack(owned(frame))).toEqual(noise);
  const twice = await unpack(owned(Buffer.concat([frame, frame])));
  expect(Buffer.compare(twice, Buffer.concat([noise, noise]))).toBe(0);
});

test.each(['gzip', 'zstd'] as const)('[5] a bomb is given up at its limit: %s', async (kind) => {
  const zeros = new Uint8Array(8 << 20);
  const bomb = owned(kind === 'gzip' ? gzipSync(zeros) : codec.compress(zeros, 3));
  expect(bomb.length).toBeLessThan(20_000);
  await expect(unpack(bomb, 1 << 20)).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringContaining('more than 1048576 bytes'),
  });
  expect(await unpack(bomb, 8 << 20)).toHaveLength(8 << 20);
});

test('[5] the limit without a declared size is 512 MiB, or what disks usually compress to', () => {
  expect(limitOfUnpacked(100_000)).toBe(512 * 2 ** 20);
  expect(limitOfUnpacked(40 * 2 ** 20)).toBe(1280 * 2 ** 20);
  expect(limitOfUnpacked(2 ** 30)).toBe(2 ** 31);
});

test('[5] what asks for 2 GiB to be unpacked with is refused before they are taken', async () => {
  const bomb = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0]);
  const behind = owned(Buffer.concat([codec.compress(noise, 3), bomb]));
  for (const file of [bomb, behind])
    await expect(unpack(file)).rejects.toMatchObject({
      code: 'image-unavailable',
      message: expect.stringContaining('more than 128 MiB'),
    });
});
