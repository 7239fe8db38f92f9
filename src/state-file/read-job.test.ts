import { expect, test } from 'vitest';
import { blobsOf } from '../protocol/blobs-item.ts';
import { PortReceiver } from '../protocol/port-stream.ts';
import type { BlobItem, ImportItem, NoBlobItem } from '../protocol/state-transfer.ts';
import { encodeDeviceCut } from '../vmstate/device-cut.ts';
import { encodeBlobs } from './format/blob-group.ts';
import { loadCodec } from './format/codec.ts';
import { frameKind, type StateFormat } from './format/frame.ts';
import { ReadingState } from './read-job.ts';
import { putTogether } from './testing/assemble-state.ts';

const blobs = [
  ...Array.from({ length: 300 }, (_, index): BlobItem => {
    const bytes = new Uint8Array(4096).fill(index);
    return {
      kind: 'blob',
      stream: 'pieces.disk.hda',
      index,
      bytes,
      totalBytes: 4096,
      offsetBytes: 0,
    };
  }),
  { kind: 'no-blob', stream: 'pieces.disk.hdb', index: 7 } satisfies NoBlobItem,
];

async function stateFile(format: StateFormat): Promise<Blob> {
  const codec = await loadCodec();
  const config = { name: 'A machine', memoryMiB: 16, vgaMemoryMiB: 8 };
  const state = { title: '', createdAtMs: 0, machineId: 'm', config, v86Version: '0', ranges: [] };
  const nothing = new Uint8Array();
  const moment = { takenAtMs: 1, vmstate: nothing, keeperState: nothing, consoles: {}, pieces: {} };
  const parts = [
    { kind: frameKind.blobs, raw: encodeBlobs(blobs) },
    { kind: frameKind.cut, raw: encodeDeviceCut(moment, codec.digest) },
  ];
  return new Blob([putTogether({ format, head: { state }, parts }, codec)]);
}

async function received(knows: readonly string[], format: StateFormat = 2): Promise<ImportItem[]> {
  const source = { blob: await stateFile(format) };
  const reading = await ReadingState.open({ source, stallMs: 10_000 }, () => {});
  const { port1, port2 } = new MessageChannel();
  const sent = reading.send({
    guest: port1,
    base: undefined,
    publishedAt: undefined,
    carried: new Map(),
  });
  const items: ImportItem[] = [];
  for await (const item of new PortReceiver<ImportItem>(port2, knows)) items.push(item);
  await sent;
  return items;
}

const ofBlob = (blob: BlobItem | NoBlobItem) =>
  blob.kind === 'blob' ? { ...blob, bytes: Buffer.from(blob.bytes).toString('hex') } : blob;

test.each([1, 2] as const)(
  '[5] a keeper gets small blobs of a frame in one piece of memory, of format %s',
  async (format) => {
    const [item, cut, ...others] = await received(['blobs'], format);
    expect([item?.kind, cut?.kind, others]).toEqual(['blobs', 'cut', []]);
    const arrived = item?.kind === 'blobs' ? [...blobsOf(item)] : [];
    expect(arrived.map(ofBlob)).toEqual(blobs.map(ofBlob));
    const buffers = arrived.map((blob) => (blob.kind === 'blob' ? blob.bytes.buffer : undefined));
    expect(new Set(buffers).size).toBe(2);
  },
);

test('a keeper of an earlier release gets each blob by itself', async () => {
  const items = await received([]);
  const arrived = items.filter((item) => item.kind === 'blob' || item.kind === 'no-blob');
  expect(arrived.map(ofBlob)).toEqual(blobs.map(ofBlob));
  expect(items.at(-1)?.kind).toBe('cut');
});
