import { expect, test, vi } from 'vitest';
import { PortSender } from '../../protocol/port-stream.ts';
import type {
  BlobItem,
  BlobsItem,
  DeviceStateItem,
  ImportItem,
} from '../../protocol/state-transfer.ts';
import type { GuestParts } from '../cpr/guest-parts.ts';
import { fakeConfig } from '../testing/fake-runtime.ts';
import { receiveState } from './receive-state.ts';

const stream = 'pieces.9p.files';
const partBytes = 1 << 20;
const nothing = new Uint8Array();
const cut: DeviceStateItem = {
  kind: 'cut',
  takenAtMs: 1,
  vmstate: nothing,
  keeperState: nothing,
  consoles: {},
  pieces: { '9p.files': 1 },
};

const part = (index: number, offsetBytes: number, fill: number): BlobItem => ({
  kind: 'blob',
  stream,
  index,
  bytes: new Uint8Array(partBytes).fill(fill),
  totalBytes: 2 * partBytes,
  offsetBytes,
});

/** The end of file 1, and file 2, in one buffer. */
function together(): BlobsItem {
  const bytes = new Uint8Array(partBytes + 10).fill(4);
  bytes.fill(5, partBytes);
  const entries = Float64Array.from([
    ...[0, 1, 2 * partBytes, partBytes, 0, partBytes],
    ...[0, 2, 10, 0, partBytes, partBytes + 10],
  ]);
  return { kind: 'blobs', streams: [stream], entries, bytes };
}

async function receive(items: readonly ImportItem[]) {
  const { port1, port2 } = new MessageChannel();
  const files = new Map<number, Uint8Array>();
  const machine = {
    backing: {
      memory: new WebAssembly.Memory({ initial: 1 }),
      blocks: [],
      config: { ...fakeConfig, filesystem9p: true },
      pieces: {
        of: () => ({
          restore(blobs: Iterable<[number, Uint8Array]>) {
            for (const [index, bytes] of blobs) files.set(index, bytes);
          },
        }),
      },
    },
    consoles: { restore: () => {} },
    gone: new AbortController().signal,
  } as unknown as GuestParts;
  const receiving = receiveState(machine, { ranges: [] }, port2);
  const sender = new PortSender<ImportItem>(port1);
  for (const item of items) await sender.send(item, 'bytes' in item ? [item.bytes.buffer] : []);
  sender.end();
  await receiving;
  return files;
}

test('[5] memory that a large file came in is given back as soon as it is copied', async () => {
  const post = vi.spyOn(MessagePort.prototype, 'postMessage');
  const files = await receive([part(1, 0, 1), part(1, partBytes, 2), cut]);
  const givenBack = post.mock.calls
    .filter(([message]) => message === undefined)
    .flatMap(([, transfer]) => transfer as ArrayBuffer[]);
  post.mockRestore();
  // Detached, because the buffers were transferred.
  expect(givenBack.map(({ byteLength }) => byteLength)).toEqual([0, 0]);
  const file = files.get(1);
  expect([file?.length, file?.[0], file?.at(-1)]).toEqual([2 * partBytes, 1, 2]);
});

test('bytes in one buffer with the end of a large file stay', async () => {
  const files = await receive([part(1, 0, 3), together(), cut]);
  expect([files.get(1)?.[0], files.get(1)?.at(-1)]).toEqual([3, 4]);
  expect(files.get(2)).toEqual(new Uint8Array(10).fill(5));
});
