import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endless } from '../../../tools/endless-server.ts';
import { findParts, partUrl, readParts } from './parts-fetch.ts';
import { compressionOf, unpack, unpackFile } from './unpack.ts';

const partBytes = 4096;
const disk = Uint8Array.from({ length: 9 * partBytes + 512 }, (_, index) => (index * 7) >> 3);

/** RFC 8878, section 3.1.1: one segment of less than 4 GiB, in one block that is not compressed. */
function zstdFrame(bytes: Uint8Array): Uint8Array {
  const frame = new DataView(new ArrayBuffer(12 + bytes.length));
  frame.setUint32(0, 0x28b52ffd);
  frame.setUint8(4, 0xa0);
  frame.setUint32(5, bytes.length, true);
  const block = (bytes.length << 3) | 1;
  frame.setUint16(9, block & 0xffff, true);
  frame.setUint8(11, block >> 16);
  const whole = new Uint8Array(frame.buffer);
  whole.set(bytes, 12);
  return whole;
}

let server: Server;
let base: string;
let files: Map<string, Uint8Array>;
let requests: string[];

beforeEach(async () => {
  files = new Map();
  requests = [];
  server = createServer(({ url = '', method }, response) => {
    requests.push(`${method} ${url}`);
    const bytes = files.get(url);
    response.writeHead(bytes ? 200 : 404, { etag: '"1"' });
    response.end(method === 'HEAD' ? undefined : bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function split(name: (start: number, end: number) => string, pack = (part: Uint8Array) => part) {
  for (let start = 0; start < disk.length; start += partBytes)
    files.set(name(start, start + partBytes), pack(disk.slice(start, start + partBytes)));
}

test.each([
  ['http://h/a/disk.img', 'http://h/a/disk-0-512.img'],
  ['http://h/a.b/disk', 'http://h/a.b/disk-0-512'],
  ['http://h/disk.img.zst?v=1', 'http://h/disk-0-512.img.zst?v=1'],
  ['http://h/disk.gz', 'http://h/disk-0-512.gz'],
])('the first part of %s is %s', (url, part) => expect(partUrl(url, 0, 512)).toBe(part));

test('the size is found by looking which parts there are, and any bytes are read', async () => {
  split((start, end) => `/disk-${start}-${end}.img`);
  const file = await findParts({ url: `${base}/disk.img`, load: 'parts', partBytes }, undefined);
  expect(file).toMatchObject({ sizeBytes: disk.length, version: 'etag:"1"' });
  expect(requests.length).toBeLessThan(12);
  for (const [start, length] of [
    [0, 512],
    [4000, 10_000],
    [disk.length - 700, 700],
  ] as const)
    expect(await readParts(file, start, length)).toEqual(disk.slice(start, start + length));
});

test.each([
  ['gz', (part: Uint8Array) => gzipSync(part)],
  ['zst', (part: Uint8Array) => zstdFrame(part)],
])('parts may be compressed: %s', async (extension, pack) => {
  split((start, end) => `/disk-${start}-${end}.img.${extension}`, pack);
  const url = `${base}/disk.img.${extension}`;
  const file = await findParts({ url, load: 'parts', partBytes }, undefined);
  expect(file.sizeBytes).toBe(disk.length);
  expect(await readParts(file, 3000, 5000)).toEqual(disk.slice(3000, 8000));
});

test('a part that is read on and on is fetched once', async () => {
  split((start, end) => `/disk-${start}-${end}.img`);
  const url = `${base}/disk.img`;
  const file = await findParts(
    { url, load: 'parts', partBytes, sizeBytes: disk.length },
    undefined,
  );
  requests.length = 0;
  for (let at = 0; at < partBytes; at += 512) await readParts(file, at, 512);
  expect(requests).toEqual(['GET /disk-0-4096.img']);
});

test('a missing part, or one of another size, is reported', async () => {
  const source = { url: `${base}/disk.img`, load: 'parts', partBytes } as const;
  await expect(findParts(source, undefined)).rejects.toMatchObject({
    code: 'image-unavailable',
    message: expect.stringContaining('Check partBytes (4096)'),
  });
  split((start, end) => `/disk-${start}-${end}.img`);
  const file = await findParts({ ...source, sizeBytes: disk.length }, undefined);
  files.set('/disk-0-4096.img', new Uint8Array(5));
  await expect(readParts(file, 0, 512)).rejects.toMatchObject({ code: 'image-unavailable' });
  files.delete('/disk-4096-8192.img');
  await expect(readParts(file, 5000, 512)).rejects.toMatchObject({ code: 'image-unavailable' });
});

test.each(['', '.gz', '.zst'])(
  '[5] a part that never ends is refused, and its connection closed: "%s"',
  async (extension) => {
    const closed = endless(server);
    const file = { url: `${base}/disk.img${extension}`, partBytes, sizeBytes: disk.length };
    await expect(readParts(file, 0, 512)).rejects.toMatchObject({
      code: 'image-unavailable',
      message: expect.stringContaining('has more than'),
    });
    await closed;
  },
);

test('[5] a compressed part becomes no larger than a part', async () => {
  files.set('/disk-0-4096.img.gz', gzipSync(new Uint8Array(64 << 20)));
  const file = { url: `${base}/disk.img.gz`, partBytes, sizeBytes: disk.length };
  await expect(readParts(file, 0, 512)).rejects.toMatchObject({ code: 'image-unavailable' });
});

test.each([
  ['gzip', gzipSync(disk)],
  ['zstd', zstdFrame(disk)],
] as const)('a whole image may be compressed: %s', async (name, packed) => {
  const bytes = Uint8Array.from(packed);
  expect(compressionOf(bytes)).toBe(name);
  expect(await unpack(bytes)).toEqual(disk);
  expect(await unpackFile(new Blob([bytes]))).toEqual(disk);
  const damaged = bytes.slice(0, bytes.length >> 1);
  await expect(unpack(damaged)).rejects.toMatchObject({ code: 'image-unavailable' });
});

test('an image that is not compressed stays as it is, and a file of it unread', async () => {
  expect(compressionOf(disk)).toBeUndefined();
  expect(await unpack(disk)).toBe(disk);
  expect(await unpackFile(new Blob([disk]))).toBeUndefined();
});
