/** Checks that reading the frames of a state file takes little more than the frames themselves. */
import { expect, test, vi } from 'vitest';
import { blobsOf } from '../../protocol/blobs-item.ts';
import type { BlobItem } from '../../protocol/state-transfer.ts';
import { encodeBlobs, readBlobs } from './blob-group.ts';
import { buffersOfPages, decodePageGroup, encodePageGroup } from './page-group.ts';

const blob = (stream: string, index: number, length: number): BlobItem => ({
  kind: 'blob',
  stream,
  index,
  bytes: new Uint8Array(length).fill(index + 1),
  totalBytes: length,
  offsetBytes: 0,
});

test('[5] pages stay where they are in their frame, which is sent on as one buffer', () => {
  const pages = 3;
  const contents = new Uint8Array(pages * 4096).map((_, at) => at >> 8);
  const xor = new Uint8Array(4096).fill(5);
  const raw = encodePageGroup({
    kind: 'pages',
    numbers: Uint32Array.of(4, 2, 9),
    contents,
    uniform: Uint32Array.of(1, 0x01020304),
    xorNumbers: Uint32Array.of(7),
    xor,
    copies: Uint32Array.of(3, 2),
  });
  const group = decodePageGroup(raw, 10, 2);
  expect(group.contents.buffer).toBe(raw.buffer);
  expect(group.xor.buffer).toBe(raw.buffer);
  expect(group.xor.byteOffset % 4).toBe(0);
  const sent = structuredClone(group, { transfer: buffersOfPages(group) });
  expect(raw.length).toBe(0);
  expect(sent).toMatchObject({ contents, xor, numbers: Uint32Array.of(4, 2, 9) });
});

test('[5] the name of blobs that follow each other is decoded once', () => {
  const blobs = Array.from({ length: 1000 }, (_, index) => blob('pieces.9p.files', index, 1));
  const raw = encodeBlobs(blobs);
  const decode = vi.spyOn(TextDecoder.prototype, 'decode');
  const read = [...blobsOf(readBlobs(raw))];
  expect(decode).toHaveBeenCalledTimes(1);
  decode.mockRestore();
  expect(read).toEqual(blobs);
});

test('blobs of streams whose names are much alike are told apart', () => {
  const names = ['a', 'b', 'b', 'ab', 'a', '', 'é', 'a', 'a'];
  const blobs = names.map((name, index) => blob(name, index, index % 3));
  expect([...blobsOf(readBlobs(encodeBlobs(blobs)))]).toEqual(blobs);
  const nameless = names.map((_, index) => blob('', index, 2));
  expect([...blobsOf(readBlobs(encodeBlobs(nameless)))]).toEqual(nameless);
});
